# Training: whole runs, and loops of the program's own.

"""
    process_place(options)

Which of the processes that a launcher has started to train together this one is, from 0, and how many they are, as
`(rank, size)`: 0 and 1 where no launcher is seen. The first `Trainer` waits for the others.
"""
function process_place(options::Options)
    rank, size = Ref{Int64}(0), Ref{Int64}(1)
    check(dmoe_process_place, options, rank, size)
    return (rank = rank[], size = size[])
end

"""
    Trainer(model, options)

Optimizer, schedule and loss for one model, which it keeps alive, and which must not be used elsewhere during the trainer's calls.
"""
mutable struct Trainer <: Handle
    pointer::Ptr{dmoe_trainer}
    Trainer(pointer::Ptr{dmoe_trainer}) = finalizer(close, new(pointer))
end
release(::Trainer) = dmoe_trainer_release

Trainer(model::Model, options::Options) = Trainer(made(dmoe_trainer, dmoe_trainer_create, model, options))

"Tells the schedule where training is, `epoch` counting from 0. Without it the learning rate stays at option `lr`."
function begin_epoch!(trainer::Trainer, epoch::Integer, steps_per_epoch::Integer)
    check(dmoe_trainer_begin_epoch, trainer, epoch, steps_per_epoch)
end

"""
    step!(trainer, images, labels; loss = true)

One step on floats that are already normalised, or bytes, (width, height, 3, batch), and their labels, which count from 0; its
loss. Reading the loss waits for a CUDA device; with `loss = false` it is not read.
"""
function step!(trainer::Trainer, images::FloatImages, labels::DenseVector{Int64}; loss::Bool = true)
    batch, height, width = expect_colours(images)
    expect_labels(labels, batch)
    value = Ref{Float64}(0)
    check(dmoe_trainer_step_f32, trainer, images, labels, batch, height, width, loss ? value : C_NULL)
    return loss ? value[] : nothing
end

function step!(trainer::Trainer, images::ByteImages, labels::DenseVector{Int64}; loss::Bool = true)
    batch, _, _ = expect_colours(images)
    expect_labels(labels, batch)
    value = Ref{Float64}(0)
    with_tensor(images) do pixels
        with_tensor(labels) do targets
            check(dmoe_trainer_step, trainer, pixels, targets, loss ? value : C_NULL)
        end
    end
    return loss ? value[] : nothing
end

"Means since the last call, which are then reset, as JSON."
metrics!(trainer::Trainer) = text(dmoe_trainer_metrics, trainer)

"""
    position(trainer)

Where it is, for a loop that goes on after `load_state!`: `(step, epoch, step_in_epoch)`, steps done in all, the epoch that
was begun last (-1: none), and the steps done in it.
"""
function Base.position(trainer::Trainer)
    step, epoch, step_in_epoch = Ref{Int64}(0), Ref{Int64}(0), Ref{Int64}(0)
    check(dmoe_trainer_position, trainer, step, epoch, step_in_epoch)
    return (step = step[], epoch = epoch[], step_in_epoch = step_in_epoch[])
end

"Writes all that future steps depend on; an older file is replaced when the new one is complete."
save_state(trainer::Trainer, path::AbstractString) = check(dmoe_trainer_save_state, trainer, path)

"Goes on from what `save_state` or a run wrote. On failure the trainer is as before."
function load_state!(trainer::Trainer, path::AbstractString)
    check(dmoe_trainer_load_state, trainer, path)
    return trainer
end

"With option `ema`: gives the model the averaged weights, or its own back, which it must have for steps."
function use_average!(trainer::Trainer, averaged::Bool)
    check(dmoe_trainer_use_average, trainer, averaged ? 1 : 0)
end

"""
    fit!(trainer, train, validation = nothing; callback = nothing)

A whole run; its summary as JSON. The callback receives an event and its JSON; see [`during`](@ref).
"""
fit!(trainer::Trainer, train::Dataset, validation::Union{Nothing,Dataset} = nothing; callback = nothing) =
    during(callback) do receive, receiver
        text(dmoe_trainer_fit, trainer, train, or_null(validation), receive, receiver)
    end

"What the library found on this machine, as JSON."
diagnose() = text(dmoe_diagnose)
