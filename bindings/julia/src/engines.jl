# Engines: a trained network compiled for inference, which does no work for inactive experts.

"""
    Engine("network.safetensors"; threads = 2)

A network compiled for inference on the CPU; settings are those of dmoe_engine_create: image_size, threads, precision, skip,
profile. Any number of threads may run one at the same time. `engine(images)` is `logits(engine, images)`.
"""
mutable struct Engine <: Handle
    pointer::Ptr{dmoe_engine}
    @atomic classes::Int # 0 until the first run asked for it.
    Engine(pointer::Ptr{dmoe_engine}) = finalizer(close, new(pointer, 0))
end
release(::Engine) = dmoe_engine_release

Engine(path::AbstractString; settings...) = Engine(made(dmoe_engine, dmoe_engine_create, path, settings_json(settings)))

"The network, its steps and what they cost, as JSON."
describe(engine::Engine) = text(dmoe_engine_describe, engine)

run!(engine, images::FloatImages, layout, logits, room, needed, macs) = begin
    batch, height, width = expect_colours(images, layout === :nchw ? :nchw : throw(ArgumentError("layout :nhwc is for bytes")))
    check(dmoe_engine_run, engine, images, batch, height, width, logits, room, needed, macs)
end

run!(engine, images::ByteImages, layout, logits, room, needed, macs) = begin
    batch, height, width = expect_colours(images, layout)
    check(dmoe_engine_run_u8, engine, images, batch, height, width, layout_number(layout), logits, room, needed, macs)
end

"""
    logits!(out, engine, images; layout = :nchw)

Writes logits (classes, batch) of images to an array that is large enough; the multiply-accumulates of the call, those of inactive
experts left out. Images are floats (width, height, 3, batch) that are already normalised, or bytes.
"""
function logits!(out::DenseArray{Float32}, engine::Engine, images::Union{FloatImages,ByteImages}; layout::Symbol = :nchw)
    macs = Ref{Int64}(0)
    run!(engine, images, layout, out, length(out), C_NULL, macs)
    return macs[]
end

"Logits (classes, batch) of images."
function logits(engine::Engine, images::Union{FloatImages,ByteImages}; layout::Symbol = :nchw)
    batch = size(images, 4)
    if (@atomic engine.classes) == 0
        needed = Ref{Int64}(-1)
        try
            run!(engine, images, layout, C_NULL, 0, needed, C_NULL) # Tells the number, and that there is no buffer.
        catch error
            error isa DeepMoEError && needed[] > 0 || rethrow()
        end
        @atomic engine.classes = needed[] ÷ batch
    end
    out = Matrix{Float32}(undef, @atomic(engine.classes), batch)
    logits!(out, engine, images; layout)
    return out
end

(engine::Engine)(images; layout::Symbol = :nchw) = logits(engine, images; layout)

"""
    outputs(engine, images; gates = nothing)

Everything that a run gives, a column for each image: `logits`, `embedding`, `embedding_logits`, `gates`, and `active_macs` of the
call; of a dense network the logits alone. `gates` (experts, batch) take the place of those that the network computes.
"""
function outputs(engine::Engine, images::FloatImages; gates::Union{Nothing,DenseMatrix{Float32}} = nothing)
    batch, height, width = expect_colours(images)
    needed = Int64[-1, 0, 0, 0]
    try
        check(dmoe_engine_run_outputs, engine, images, batch, height, width, C_NULL, C_NULL, 0, C_NULL, 0, C_NULL, 0, C_NULL, 0,
              needed, C_NULL)
    catch error
        error isa DeepMoEError && needed[1] > 0 || rethrow()
    end
    gates === nothing || length(gates) == needed[4] ||
        throw(DimensionMismatch("gates have size $(size(gates)), must have $((needed[4] ÷ batch, batch))"))
    results = [Matrix{Float32}(undef, number ÷ batch, batch) for number in needed]
    places = [isempty(result) ? C_NULL : result for result in results]
    macs = Ref{Int64}(0)
    check(dmoe_engine_run_outputs, engine, images, batch, height, width, or_null(gates), places[1], needed[1], places[2],
          needed[2], places[3], needed[3], places[4], needed[4], C_NULL, macs)
    return (logits = results[1], embedding = results[2], embedding_logits = results[3], gates = results[4], active_macs = macs[])
end

"The figures of `evaluate(model, dataset)`, as JSON, computed by the engine, which the callback must not use."
evaluate(engine::Engine, dataset::Dataset, options::Union{Nothing,Options} = nothing; callback = nothing) =
    during(callback) do receive, receiver
        text(dmoe_engine_evaluate, engine, dataset, or_null(options), receive, receiver)
    end
