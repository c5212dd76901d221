# Trains a small gated network on arrays of the program and saves it: stripes, whose direction is the class.
#
#     julia --project=bindings/julia bindings/julia/examples/train.jl WEIGHTS.safetensors

using DeepMoE, Random

const SIDE, BATCH, CLASSES = 16, 32, 4

function batch()
    labels = rand(0:CLASSES-1, BATCH)
    images = Array{Float32}(undef, SIDE, SIDE, 3, BATCH) # (width, height, channels, batch): the library's order in memory.
    for (i, label) in enumerate(labels)
        along, down, phase = (1, 0, 1, 1)[label+1], (0, 1, 1, 3)[label+1], rand(0:3)
        for y in 1:SIDE, x in 1:SIDE
            stripe = (along * x + down * y + phase) % 4 < 2 ? 1 : -1
            images[x, y, :, i] .= stripe .+ 2 .* rand(Float32, 3) .- 1
        end
    end
    return images, labels
end

Random.seed!(1)
options = Options(model = "resnet18_moe", width = 0.125, num_classes = CLASSES, image_size = SIDE, device = "cpu",
                  optimizer = "sgd", lr = 0.02)
model = Model(options)
Trainer(model, options) do trainer
    for step in 1:80
        loss = step!(trainer, batch()...)
        step % 20 == 0 && println("step $step: loss $(round(loss; digits = 3))")
    end
end
images, labels = batch()
found = [argmax(column) - 1 for column in eachcol(logits(model, images))]
println("$(count(found .== labels)) of $BATCH new images recognised")
DeepMoE.save(model, ARGS[1])
