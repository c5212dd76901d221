# What the tests share: the cases of all bindings, and their inputs.

const SHARED = abspath(joinpath(@__DIR__, "..", "..", "..", "tests", "bindings"))
const NETWORK = joinpath(SHARED, "network.safetensors")
const CASES = JSON.parsefile(joinpath(SHARED, "cases.json"))
const BATCH, SIDE, CLASSES = CASES["batch"], CASES["side"], CASES["num_classes"]
const INDEX = 0:BATCH*3*SIDE*SIDE-1
const IMAGES = reshape(Float32.((INDEX .* 37 .+ 11) .% 101 ./ 50 .- 1), SIDE, SIDE, 3, BATCH)
const BYTES = reshape(UInt8.((INDEX .* 37 .+ 11) .% 251), 3, SIDE, SIDE, BATCH)
const LABELS = collect(Int64, (0:BATCH-1) .% CLASSES)

numbers(value::Number) = [Float64(value)]
numbers(values) = Float64.(vec(collect(values)))

"Whether numbers are those of a case, up to its tolerance."
function close_to(values, expected)
    found, wanted = numbers(values), numbers(expected)
    tolerance = CASES["tolerance"]
    return length(found) == length(wanted) && all(abs.(found .- wanted) .<= tolerance .* (1 .+ abs.(wanted)))
end

"What a call throws."
function thrown(call)
    try
        call()
    catch error
        return error
    end
    return nothing
end

"Whether a call throws an error of a code and with words."
function fails(call, code, words...)
    error = thrown(call)
    return error isa DeepMoEError && error.code == code && all(word -> occursin(word, error.message), words)
end
