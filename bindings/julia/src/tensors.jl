# Sets of named tensors.

"""
    Tensors()
    Tensors("network.safetensors")

Named tensors: a safetensors file, a model's weights, or the outputs of a network. A file is mapped, and must not be truncated or
written to while the set lives. `tensors[name]` is a copy, `view(work, tensors, name)` sees the tensor where it is,
`tensors[name] = array` adds a copy and [`share!`](@ref) adds without one. Sizes are in Julia's order, the reverse of C's.
"""
mutable struct Tensors <: Handle
    pointer::Ptr{dmoe_tensors}
    Tensors(pointer::Ptr{dmoe_tensors}) = finalizer(close, new(pointer))
end
release(::Tensors) = dmoe_tensors_release

Tensors() = Tensors(made(dmoe_tensors, dmoe_tensors_create))
Tensors(path::AbstractString) = Tensors(made(dmoe_tensors, dmoe_tensors_load, path))

"Writes a safetensors file, replacing an older one only when complete; keyword arguments are its metadata."
function save(tensors::Tensors, path::AbstractString; metadata...)
    texts = [name => string(value) for (name, value) in metadata]
    check(dmoe_tensors_save, tensors, path, isempty(texts) ? C_NULL : json_object(Dict(texts)))
end

"The file's metadata as a JSON object; \"{}\" for sets that are no file."
metadata(tensors::Tensors) = text(dmoe_tensors_metadata, tensors)

Base.length(tensors::Tensors) = Int(dmoe_tensors_count(tensors))
Base.keys(tensors::Tensors) = [unsafe_string(dmoe_tensors_name(tensors, i)) for i in 0:length(tensors)-1]
Base.haskey(tensors::Tensors, name::AbstractString) = name in keys(tensors)

"The size of a tensor, in Julia's order."
function Base.size(tensors::Tensors, name::AbstractString)
    rank = Ref{Int64}(0)
    shape = Vector{Int64}(undef, 64) # More than the library lets a tensor have.
    check(dmoe_tensors_shape, tensors, name, shape, length(shape), rank)
    return Tuple(reverse(shape[1:rank[]]))
end

"A copy of a float32 tensor in host memory."
function Base.getindex(tensors::Tensors, name::AbstractString)
    values = Array{Float32}(undef, size(tensors, name))
    check(dmoe_tensors_read_f32, tensors, name, values, length(values), C_NULL)
    return values
end

const ELEMENTS = Dict((type_code(T), UInt8(8 * sizeof(T))) => T
                      for T in (Float16, Float32, Float64, UInt8, Int8, Int16, Int32, Int64))

"""
    view(work, tensors, name)
    view(tensors, name) do array ... end

Calls `work` with a tensor in host memory where it is. The array must not be kept, nor changed where it comes from a file.
"""
function Base.view(work::Function, tensors::Tensors, name::AbstractString)
    managed = made(DLManagedTensor, dmoe_tensors_get, tensors, name)
    try
        tensor = unsafe_load(managed)
        type = get(ELEMENTS, (tensor.code, tensor.bits), Nothing)
        shape = [unsafe_load(tensor.shape, i) for i in 1:tensor.ndim]
        strides = tensor.strides == C_NULL ? nothing : [unsafe_load(tensor.strides, i) for i in 1:tensor.ndim]
        if tensor.device_type != DL_CPU || type === Nothing || !is_contiguous(shape, strides)
            throw(DeepMoEError(DMOE_ERROR_UNSUPPORTED, "$name is not a contiguous tensor of numbers in host memory"))
        end
        data = Ptr{type}(tensor.data + tensor.byte_offset)
        return work(unsafe_wrap(Array, data, Tuple(reverse(shape))))
    finally
        deleter = unsafe_load(managed).deleter
        deleter == C_NULL || @ccall $deleter(managed::Ptr{DLManagedTensor})::Cvoid
    end
end

is_contiguous(shape, ::Nothing) = true
function is_contiguous(shape, strides)
    expected = 1
    for i in reverse(eachindex(shape))
        shape[i] == 1 || strides[i] == expected || return false
        expected *= shape[i]
    end
    return true
end

"Adds a copy of an array under a new name."
function Base.setindex!(tensors::Tensors, values::DenseArray{Float32}, name::AbstractString)
    shape = collect(Int64, reverse(size(values)))
    check(dmoe_tensors_add_f32, tensors, name, values, shape, length(shape))
    return values
end

"Adds an array under a new name without a copy; it must stay unchanged while the set and what was made of it live."
function share!(tensors::Tensors, name::AbstractString, values::DenseArray)
    tensor, loan = lent_tensor(values)
    try
        check(dmoe_tensors_add, tensors, name, tensor)
    catch
        take_back(loan)
        rethrow()
    end
    return tensors
end
