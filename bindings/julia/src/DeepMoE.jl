"""
DeepMoE networks: train, evaluate, shrink and serve, with libdeepmoe. The C headers are the manual; here is what differs.

- Objects are released by `close`, at the end of a `do` block, or when they are collected.
- A failed call throws a [`DeepMoEError`](@ref) with the library's words. What a callback throws is thrown by its call.
- Settings are keyword arguments. Figures and descriptions are JSON, as text: `JSON.parse(describe(engine))`.
- Arrays are read and written where they are, never copied, unless a function says so.

# The order of arrays

The library's arrays are (batch, channels, height, width) with the last index fastest. Julia's first index is the fastest, so
the same memory is an array of size **(width, height, channels, batch)**; logits, (batch, classes) in C, have size
**(classes, batch)**, one column for each image. Nothing is moved. An image of Images.jl, a matrix (height, width) of colours,
is `permutedims(channelview(image), (3, 2, 1))` here. Bytes may also have the channels first, (channels, width, height,
batch), with `layout = :nhwc`, which is `permutedims(channelview(image), (1, 3, 2))`.
"""
module DeepMoE

using Libdl

include("library.jl")
include("dlpack.jl")
include("raw/declarations.jl")
include("calls.jl")
include("arrays.jl")
include("options.jl")
include("plugins.jl")
include("tensors.jl")
include("callbacks.jl")
include("datasets.jl")
include("loaders.jl")
include("engines.jl")
include("models.jl")
include("trainers.jl")
include("reports.jl")

export DeepMoEError, Options, Tensors, Engine, Plugin, Dataset, Loader, Model, Trainer, Report
export set_json!, load_file!, read_environment!, to_json, architecture, describe_architecture, architecture_text,
    architecture_names, options_schema, metadata, share!, describe, logits, logits!, outputs, num_classes, image_size,
    process_place, fetch_dataset, forward, read_image, state, load_state!, fold, compile, export_onnx, evaluate, compact,
    convert_pytorch, begin_epoch!, step!, metrics!, save_state, use_average!, fit!, compared_with, figures, layers, matrix,
    write_report, diagnose, set_log_callback, live_objects, has_training

end
