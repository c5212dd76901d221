# Arrays of the program, which the library reads where they are.

const DL_CPU = Int32(1)
type_code(::Type{<:Signed}) = UInt8(0)
type_code(::Type{<:Unsigned}) = UInt8(1)
type_code(::Type{<:AbstractFloat}) = UInt8(2)

"The array as a tensor; `shape` is its extents in C's order, which must stay where they are."
described(array::DenseArray{T}, shape::Vector{Int64}, context = C_NULL, deleter = C_NULL) where {T} =
    DLManagedTensor(pointer(array), DL_CPU, 0, length(shape), type_code(T), 8 * sizeof(T), 1, pointer(shape), C_NULL, 0,
                    context, deleter)

"Calls `work` with an array as a tensor, which is valid meanwhile."
function with_tensor(work, array::DenseArray)
    shape = collect(Int64, reverse(size(array)))
    tensor = Ref{DLManagedTensor}()
    tensor[] = described(array, shape)
    return GC.@preserve array shape work(tensor)
end

# ---- What is lent to the library until it lets go ---------------------------------------------------------------------
#
# It lets go from whichever thread, within a finalizer, too, where nothing may be waited for. So it sets a number, and the
# next call that lends something drops what is not needed any more.

mutable struct Lent
    released::Int32
    keep::Any
end

const lent = Lent[]
const lent_lock = ReentrantLock()

"Keeps something alive until the library lets go; the address that says so."
function lend(keep)
    loan = Lent(0, keep)
    lock(lent_lock) do
        filter!(loan -> loan.released == 0, lent)
        push!(lent, loan)
    end
    return loan
end

"For a call that failed, after which the library does not let go."
take_back(loan::Lent) = loan.released = 1

"How many arrays the library has at the moment."
lent_count() = lock(() -> count(loan -> loan.released == 0, lent), lent_lock)

place(loan::Lent) = Ptr{Cvoid}(pointer_from_objref(loan))

"The library lets go of images."
function images_released(loan::Ptr{Cvoid})::Int32
    unsafe_store!(Ptr{Int32}(loan), Int32(1)) # The first field of a Lent.
    return DMOE_OK
end

"The library lets go of a tensor."
function tensor_deleted(tensor::Ptr{DLManagedTensor})::Cvoid
    unsafe_store!(Ptr{Int32}(unsafe_load(tensor).manager_ctx), Int32(1))
    return nothing
end

"A tensor of an array for the library to take over, and its loan."
function lent_tensor(array::DenseArray)
    shape = collect(Int64, reverse(size(array)))
    tensor = Ref{DLManagedTensor}()
    loan = lend((array, shape, tensor))
    tensor[] = described(array, shape, place(loan), @cfunction(tensor_deleted, Cvoid, (Ptr{DLManagedTensor},)))
    return tensor, loan
end

# ---- Sizes ------------------------------------------------------------------------------------------------------------

"Floats (width, height, 3, batch)."
const FloatImages = DenseArray{Float32,4}
"Bytes (width, height, 3, batch), or (3, width, height, batch) with layout :nhwc."
const ByteImages = DenseArray{UInt8,4}

function layout_number(layout::Symbol)
    layout === :nchw && return DMOE_LAYOUT_NCHW
    layout === :nhwc && return DMOE_LAYOUT_NHWC
    throw(ArgumentError("layout is $(repr(layout)), must be :nchw or :nhwc"))
end

"Batch, channels, height and width of images."
function extents(images::DenseArray{<:Any,4}, layout::Symbol = :nchw)
    layout_number(layout)
    first, second, third, batch = size(images)
    return layout === :nchw ? (batch, third, second, first) : (batch, first, third, second)
end

function expect_colours(images, layout = :nchw)
    batch, channels, height, width = extents(images, layout)
    channels == 3 || throw(DimensionMismatch("images have size $(size(images)) and layout :$layout, so $channels channels; " *
                                             "there must be 3"))
    return batch, height, width
end

expect_labels(labels, batch) =
    length(labels) == batch || throw(DimensionMismatch("there are $(length(labels)) labels for $batch images"))
