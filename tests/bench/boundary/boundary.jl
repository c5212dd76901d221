# What compare_boundary.py measures in Julia: boundary.cpp says how.

using DeepMoE

function main()
    options = Options(model = "resnet18_moe", width = 0.25, image_size = 32, num_classes = 10, device = "cpu",
                      optimizer = "sgd", lr = 0.0001)
    model = Model(options)
    engine, trainer = compile(model; threads = 1), Trainer(model, options)
    images, labels, image, out = fill(0.5f0, 32, 32, 3, 2), [1, 2], fill(0.5f0, 32, 32, 3, 1), Matrix{Float32}(undef, 10, 1)
    for line in eachline()
        what, count = split(line)
        start = time_ns()
        for _ in 1:parse(Int, count)
            what == "engine" ? logits!(out, engine, image) : step!(trainer, images, labels)
        end
        println(time_ns() - start)
        flush(stdout)
    end
end

main()
