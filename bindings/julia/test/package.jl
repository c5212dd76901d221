# The package itself: what it says when there is no library, and its examples.

const PACKAGE = dirname(@__DIR__)
julia(arguments...) = `$(Base.julia_cmd()) --project=$(Base.active_project()) $(collect(arguments))`

@testset "a library that is not there is named" begin
    output = IOBuffer()
    command = addenv(julia("-e", "using DeepMoE"), "DEEPMOE_LIBRARY" => "/nowhere/libdeepmoe.so")
    process = run(pipeline(ignorestatus(command); stdout = output, stderr = output))
    @test process.exitcode != 0 && occursin("/nowhere/libdeepmoe.so", String(take!(output)))
end

@testset "the examples do what they say" begin
    folder = mktempdir()
    if has_training()
        weights = joinpath(folder, "network.safetensors")
        lines = readlines(julia(joinpath(PACKAGE, "examples", "train.jl"), weights))
        @test parse(Int, first(split(last(lines)))) >= 28
        @test size(Engine(weights)(zeros(Float32, 16, 16, 3, 1))) == (4, 1)
        @test countlines(joinpath(PACKAGE, "examples", "train.jl")) < 40
    end
    image = joinpath(folder, "image.ppm")
    write(image, "P6\n$SIDE $SIDE\n255\n", BYTES[:, :, :, 1])
    best = argmax(CASES["engine"]["bytes_nhwc"]["logits"][1:CLASSES]) - 1
    @test startswith(read(julia(joinpath(PACKAGE, "examples", "classify.jl"), NETWORK, image), String), "class $best: logit ")
end

if has_training()
    @testset "the program of the README" begin
        readme = read(joinpath(SHARED, "..", "..", "README.md"), String)
        program = match(r"```julia\n(.*?)```"s, readme).captures[1]
        cd(() -> run(julia("-e", String(program))), mktempdir())
        @test true # It ran.
    end
end
