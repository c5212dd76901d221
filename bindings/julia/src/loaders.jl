# Batches of a data set, for loops of the program's own.

"""
    Loader(dataset, options; epoch = nothing, first_batch = 0)
    for (images, labels) in Loader(dataset, options) ... end

One pass over a data set in batches that threads decode, augment and normalise ahead of the caller: floats (image_size,
image_size, 3, batch), and labels. With an epoch, which counts from 0, the order is shuffled and images are augmented as the
options say; without one every image comes once, in order. The pass begins at batch `first_batch`. The arrays are the
loader's: they must not be kept beyond the next batch, nor the loader's end.
"""
mutable struct Loader <: Handle
    pointer::Ptr{dmoe_loader}
    first_batch::Int
    Loader(pointer::Ptr{dmoe_loader}, first_batch) = finalizer(close, new(pointer, first_batch))
end
release(::Loader) = dmoe_loader_release

Loader(dataset::Dataset, options::Options; epoch::Union{Nothing,Integer} = nothing, first_batch::Integer = 0) =
    Loader(made(dmoe_loader, dmoe_loader_create, dataset, options, epoch !== nothing, something(epoch, 0), first_batch),
           first_batch)

"The height and width of a loader's images."
image_size(loader::Loader) = Int(dmoe_loader_image_size(loader))

Base.length(loader::Loader) = max(Int(dmoe_loader_num_batches(loader)) - loader.first_batch, 0)
Base.eltype(::Type{Loader}) = Tuple{Array{Float32,4},Vector{Int64}}

function Base.iterate(loader::Loader, _ = nothing)
    images, labels, batch = Ref{Ptr{Float32}}(C_NULL), Ref{Ptr{Int64}}(C_NULL), Ref{Int64}(0)
    check(dmoe_loader_next, loader, images, labels, batch)
    batch[] == 0 && return nothing
    side = image_size(loader)
    return (unsafe_wrap(Array, images[], (side, side, 3, Int(batch[]))), unsafe_wrap(Array, labels[], Int(batch[]))), nothing
end
