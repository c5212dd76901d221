# Says what is in an image with the runtime library alone:
#
#     julia --project=bindings/julia bindings/julia/examples/classify.jl WEIGHTS.safetensors IMAGE.ppm
#
# A binary PPM is the simplest file of pixels: `convert cat.jpg -resize 32x32! cat.ppm` makes one of the network's size.

using DeepMoE

function read_ppm(path)
    open(path) do file
        words = String[]
        while length(words) < 4
            append!(words, split(readline(file)))
        end
        words[[1, 4]] == ["P6", "255"] || error("$path is not a binary PPM")
        width, height = parse.(Int, words[2:3])
        return reshape(read(file, 3 * width * height), 3, width, height, 1)
    end
end

Engine(ARGS[1]; threads = 1) do engine
    image = read_ppm(ARGS[2])
    scores = logits(engine, image; layout = :nhwc)
    macs = logits!(scores, engine, image; layout = :nhwc)
    best = argmax(vec(scores))
    println("class $(best - 1): logit $(round(scores[best]; digits = 3)), $(round(macs / 1e6; digits = 2)) million MACs")
end
