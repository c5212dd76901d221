# Networks with weights.

"""
    Model(options, dataset = nothing)
    Model("network.safetensors", options = nothing)

A network with random weights, for which the data set gives what the options leave open; or one that is read from a safetensors
file, for which options complete what it does not say, and choose the device. One thread at a time uses a model.
"""
mutable struct Model <: Handle
    pointer::Ptr{dmoe_model}
    Model(pointer::Ptr{dmoe_model}) = finalizer(close, new(pointer))
end
release(::Model) = dmoe_model_release

Model(options::Options, dataset::Union{Nothing,Dataset} = nothing) =
    Model(made(dmoe_model, dmoe_model_create, options, or_null(dataset)))

Model(path::AbstractString, options::Union{Nothing,Options} = nothing) =
    Model(made(dmoe_model, dmoe_model_load, path, or_null(options)))

"Writes weights, architecture, options, normalisation and class names, replacing an older file only when complete."
save(model::Model, path::AbstractString) = check(dmoe_model_save, model, path)

"Model, device, classes, normalisation, options, architecture and cost, as JSON."
describe(model::Model) = text(dmoe_model_describe, model)
describe_architecture(model::Model) = text(dmoe_model_architecture_describe, model)
architecture_text(model::Model) = text(dmoe_model_architecture_text, model)

"""
    forward(model, images)

All outputs in evaluation mode, for floats or bytes (width, height, 3, batch): "logits" and, of a gated network, "embedding",
"embedding_logits" and "gate.<layer>".
"""
function forward(model::Model, images::Union{FloatImages,ByteImages})
    expect_colours(images)
    return with_tensor(tensor -> Tensors(made(dmoe_tensors, dmoe_model_forward, model, tensor)), images)
end

"Writes logits (classes, batch) of floats to an array that is large enough."
function logits!(out::DenseArray{Float32}, model::Model, images::FloatImages)
    batch, height, width = expect_colours(images)
    check(dmoe_model_forward_f32, model, images, batch, height, width, out, length(out), C_NULL)
    return out
end

"Logits (classes, batch) of floats (width, height, 3, batch)."
function logits(model::Model, images::FloatImages)
    batch, height, width = expect_colours(images)
    needed = Ref{Int64}(-1)
    try
        check(dmoe_model_forward_f32, model, images, batch, height, width, C_NULL, 0, needed)
    catch error
        error isa DeepMoEError && needed[] > 0 || rethrow()
    end
    return logits!(Matrix{Float32}(undef, needed[] ÷ batch, batch), model, images)
end

"A JPEG or PNG file as the model wants it, (image_size, image_size, 3, 1)."
read_image(model::Model, path::AbstractString) =
    Tensors(image -> image["input"], made(dmoe_tensors, dmoe_model_read_image, model, path))

"The weights by their state_dict names, sharing memory with the model: they change as it trains."
state(model::Model) = Tensors(made(dmoe_tensors, dmoe_model_state, model))

"Copies weights in by name; every entry must be there. On failure the model is as before."
function load_state!(model::Model, state::Tensors)
    check(dmoe_model_load_state, model, state)
    return model
end

"A dense copy for evaluation, batch norms folded, gates left out."
fold(model::Model) = Model(made(dmoe_model, dmoe_model_fold, model))

"The model as it is now, for inference; settings as for `Engine`."
compile(model::Model; settings...) = Engine(made(dmoe_engine, dmoe_engine_create_from_model, model, settings_json(settings)))

"Writes an ONNX model; settings: gates, image_size."
export_onnx(model::Model, path::AbstractString; settings...) =
    check(dmoe_model_export_onnx, model, path, settings_json(settings))

"Figures over every image of the data set, as JSON; without options those that the model was made with count."
evaluate(model::Model, dataset::Dataset, options::Union{Nothing,Options} = nothing; callback = nothing) =
    during(callback) do receive, receiver
        text(dmoe_model_evaluate, model, dataset, or_null(options), receive, receiver)
    end

"A smaller model without the experts that no image uses, and the report as JSON; settings: min_utilisation, classes."
compact(model::Model, calibration::Dataset, options::Union{Nothing,Options} = nothing; callback = nothing, settings...) =
    during(callback) do receive, receiver
        smaller = Ref{Ptr{dmoe_model}}(C_NULL)
        report = text(dmoe_model_compact, model, calibration, settings_json(settings), or_null(options), receive, receiver,
                      smaller)
        (Model(smaller[]), report)
    end

"Writes the tensors of a file of Python's torch.save as safetensors; nothing in it is executed. Settings: mean, deviation."
convert_pytorch(path::AbstractString, output::AbstractString, options::Union{Nothing,Options} = nothing; settings...) =
    check(dmoe_convert_pytorch, path, output, or_null(options), settings_json(settings))
