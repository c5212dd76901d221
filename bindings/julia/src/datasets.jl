# Labelled images.

"""
    Dataset(options, "train")
    Dataset(images, labels; num_classes, layout = :nchw)

Labelled images: the split of the data set that the options name, or arrays of the program. Images are floats (width, height, 3,
batch) that are already normalised, or bytes, which may have one channel. They are not copied and must stay unchanged while
the data set is in use. Labels count from 0 and are copied. Any number of threads may read a data set.
"""
mutable struct Dataset <: Handle
    pointer::Ptr{dmoe_dataset}
    Dataset(pointer::Ptr{dmoe_dataset}) = finalizer(close, new(pointer))
end
release(::Dataset) = dmoe_dataset_release

Dataset(options::Options, split::AbstractString) = Dataset(made(dmoe_dataset, dmoe_dataset_open, options, split))

default_classes(labels) = isempty(labels) ? 1 : Int(maximum(labels)) + 1

function Dataset(images::FloatImages, labels::DenseVector{Int64}; num_classes::Integer = default_classes(labels))
    batch, height, width = expect_colours(images)
    expect_labels(labels, batch)
    return lent_dataset(images) do released, loan
        made(dmoe_dataset, dmoe_dataset_create_f32, images, labels, batch, height, width, num_classes, released, loan)
    end
end

function Dataset(images::ByteImages, labels::DenseVector{Int64}; num_classes::Integer = default_classes(labels),
                 layout::Symbol = :nchw)
    batch, channels, height, width = extents(images, layout)
    expect_labels(labels, batch)
    return lent_dataset(images) do released, loan
        made(dmoe_dataset, dmoe_dataset_create_u8, images, labels, batch, channels, height, width, layout_number(layout),
             num_classes, released, loan)
    end
end

function lent_dataset(create, images)
    loan = lend(images)
    try
        return Dataset(create(@cfunction(images_released, Int32, (Ptr{Cvoid},)), place(loan)))
    catch
        take_back(loan)
        rethrow()
    end
end

Base.length(dataset::Dataset) = Int(dmoe_dataset_size(dataset))

"The number of classes."
num_classes(dataset::Dataset) = Int(dmoe_dataset_num_classes(dataset))

"Size, classes and normalisation, as JSON."
describe(dataset::Dataset) = text(dmoe_dataset_describe, dataset)

"""
Makes sure that a folder holds the published data set ("cifar10", "cifar100"), downloading what is missing; what was done, as
JSON. Settings: url, sha256.
"""
fetch_dataset(dataset::AbstractString, data_dir::AbstractString; callback = nothing, settings...) =
    during(callback) do receive, receiver
        text(dmoe_fetch_dataset, dataset, data_dir, settings_json(settings), receive, receiver)
    end
