# Training: whole runs, and loops of the program's own.

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
    fit!(trainer, train, validation = nothing; callback = nothing)

A whole run; its summary as JSON. The callback receives an event and its JSON; see [`during`](@ref).
"""
fit!(trainer::Trainer, train::Dataset, validation::Union{Nothing,Dataset} = nothing; callback = nothing) =
    during(callback) do receive, receiver
        text(dmoe_trainer_fit, trainer, train, or_null(validation), receive, receiver)
    end

"What the library found on this machine, as JSON."
diagnose() = text(dmoe_diagnose)
