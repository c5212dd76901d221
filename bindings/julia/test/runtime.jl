# What both libraries have.

@testset "refusals have code, name and words" begin
    for refusal in CASES["refusals"]
        error = thrown(() -> setindex!(Options(), refusal["value"], refusal["option"]))
        @test error isa DeepMoEError && error.code == refusal["code"]
        @test DeepMoE.status_name(error.code) == refusal["status"]
        @test occursin(refusal["words"], error.message) && occursin(error.message, sprint(showerror, error))
    end
end

@testset "options are set, copied and read" begin
    options = Options(epochs = 3)
    other = copy(options)
    other[:epochs] = 4
    @test options["epochs"] == "3" && other["epochs"] == "4"
    @test JSON.parse(to_json(set_json!(other, "{\"epochs\": 5}")))["epochs"] == 5
    @test fails(() -> load_file!(options, "/nowhere"), DeepMoE.DMOE_ERROR_NOT_FOUND, "nowhere")
    @test read_environment!(options) === options
    close(options)
    close(options)
    @test thrown(() -> options["epochs"]) isa ArgumentError
    @test occursin("\"epochs\"", options_schema())
end

@testset "architectures cost what the case says" begin
    case = CASES["architecture"]
    options = Options(; (Symbol(name) => value for (name, value) in case["options"])...)
    totals = JSON.parse(describe_architecture(options))["totals"]["all"]
    @test totals["parameters"] == case["parameters"] && totals["dense_macs"] == case["dense_macs"]
    @test "resnet18_moe" in JSON.parse(architecture_names())
    @test haskey(JSON.parse(architecture(options)), "nodes") && occursin("conv", architecture_text(options))
end

@testset "tensors are lent both ways, saved and mapped" begin
    path = joinpath(mktempdir(), "x.safetensors")
    values = Float32[1 2; 3 4; 5 6]
    Tensors() do tensors
        share!(tensors, "a", values)
        view(seen -> (@test pointer(seen) == pointer(values) && size(seen) == (3, 2)), tensors, "a")
        @test DeepMoE.lent_count() == 1
        tensors["scalar"] = fill(5.0f0)
        @test fails(() -> share!(tensors, "a", values), DeepMoE.DMOE_ERROR_INVALID_ARGUMENT)
        DeepMoE.save(tensors, path; note = "of a \"test\"")
    end
    @test DeepMoE.lent_count() == 0
    tensors = Tensors(path)
    @test length(tensors) == 2 && haskey(tensors, "a") && size(tensors, "scalar") == ()
    @test JSON.parse(metadata(tensors))["note"] == "of a \"test\""
    @test tensors["a"] == values && tensors["scalar"][] == 5
    @test fails(() -> tensors["scalars"], DeepMoE.DMOE_ERROR_NOT_FOUND, "scalar")
end

@testset "the engine computes the cases" begin
    case = CASES["engine"]
    engine = Engine(NETWORK; threads = 1)
    @test size(engine(IMAGES)) == (CLASSES, BATCH) && close_to(engine(IMAGES), case["logits"])
    out = Matrix{Float32}(undef, CLASSES, BATCH)
    @test logits!(out, engine, BYTES; layout = :nhwc) == case["bytes_nhwc"]["active_macs"]
    @test close_to(out, case["bytes_nhwc"]["logits"])
    found = outputs(engine, IMAGES)
    for name in (:logits, :embedding, :embedding_logits, :gates)
        @test close_to(found[name], case[string(name)])
    end
    @test found.active_macs == case["active_macs"]
    given = reshape(Float32.(case["given_gates"]), size(found.gates))
    @test close_to(outputs(engine, IMAGES; gates = given).logits, case["logits_with_given_gates"])
    @test JSON.parse(describe(engine))["num_classes"] == CLASSES
    results = map(fetch, [Threads.@spawn(engine(IMAGES)) for _ in 1:4])
    @test all(==(engine(IMAGES)), results)
end

@testset "the engine refuses what does not fit" begin
    engine = Engine(NETWORK)
    @test thrown(() -> engine(IMAGES[:, :, 1:2, :])) isa DimensionMismatch
    @test thrown(() -> engine(BYTES; layout = :nwhc)) isa ArgumentError
    @test thrown(() -> engine(IMAGES; layout = :nhwc)) isa ArgumentError
    @test fails(() -> engine(IMAGES[1:16, :, :, :]), DeepMoE.DMOE_ERROR_INVALID_ARGUMENT)
    @test fails(() -> Engine(NETWORK; thread = 1), DeepMoE.DMOE_ERROR_NOT_FOUND, "threads")
    @test fails(() -> Engine("/nowhere"), DeepMoE.DMOE_ERROR_NOT_FOUND, "nowhere")
end

@testset "the log has one receiver" begin
    set_log_callback((level, message) -> error("of the receiver"))
    set_log_callback((level, message) -> nothing)
    set_log_callback(nothing)
    @test DeepMoE.log_receiver[] === nothing
end

@testset "a plugin that is not there is refused by name" begin
    failure = try Plugin("none.so") catch error; error end
    @test failure isa DeepMoEError && failure.code == DeepMoE.DMOE_ERROR_NOT_FOUND && occursin("none.so", failure.message)
end
