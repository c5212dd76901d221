# What the training library adds: data sets, models, trainers and their callbacks.

training_options() = Options(; (Symbol(name) => value for (name, value) in CASES["training"]["options"])...)
case_model() = Model(NETWORK, training_options())
case_trainer() = Trainer(case_model(), training_options())
case_dataset() = Dataset(IMAGES, LABELS; num_classes = CLASSES)

@testset "training follows the cases" begin
    case = CASES["training"]
    model = case_model()
    trainer = Trainer(model, training_options())
    @test close_to([step!(trainer, IMAGES, LABELS) for _ in case["losses"]], case["losses"])
    @test JSON.parse(metrics!(trainer))["step"] == length(case["losses"])
    @test close_to(logits(model, IMAGES), case["logits"])
    figures = JSON.parse(evaluate(model, case_dataset(), training_options()))
    for (name, expected) in case["evaluation"]
        @test close_to(figures[name], expected)
    end
end

@testset "a loop of the program's own" begin
    trainer = case_trainer()
    begin_epoch!(trainer, 0, 3)
    bytes = permutedims(BYTES, (2, 3, 1, 4))
    @test isfinite(step!(trainer, bytes, LABELS))
    @test step!(trainer, IMAGES, LABELS; loss = false) === nothing
    @test thrown(() -> step!(trainer, IMAGES, LABELS[2:end])) isa DimensionMismatch
end

@testset "a loop goes on where it was saved" begin
    path = tempname()
    trainer = case_trainer()
    step!(trainer, IMAGES, LABELS)
    save_state(trainer, path)
    expected = step!(trainer, IMAGES, LABELS)
    later = load_state!(case_trainer(), path)
    @test position(later) == (step = 1, epoch = -1, step_in_epoch = 1)
    @test step!(later, IMAGES, LABELS) == expected
    @test fails(() -> load_state!(later, "none"), DeepMoE.DMOE_ERROR_NOT_FOUND, "none")
end

@testset "a loop evaluates the averaged weights" begin
    model, options = case_model(), training_options()
    options["ema"] = 0.5
    trainer = Trainer(model, options)
    step!(trainer, IMAGES, LABELS)
    own = logits(model, IMAGES)
    use_average!(trainer, true)
    @test logits(model, IMAGES) != own
    @test fails(() -> step!(trainer, IMAGES, LABELS), DeepMoE.DMOE_ERROR_STATE)
    use_average!(trainer, false)
    @test logits(model, IMAGES) == own
end

@testset "forward gives gates, and the state is shared" begin
    model = case_model()
    found = forward(model, IMAGES)
    @test close_to(found["logits"], CASES["engine"]["logits"])
    @test any(startswith("gate."), keys(found))
    address(state) = view(pointer, state, "embedding_classifier.bias")
    @test address(state(model)) == address(state(model))
end

@testset "a state goes from model to model" begin
    model = case_model()
    step!(Trainer(model, training_options()), IMAGES, LABELS)
    load_state!(model, state(case_model()))
    @test close_to(logits(model, IMAGES), CASES["engine"]["logits"])
    @test fails(() -> load_state!(model, Tensors()), DeepMoE.DMOE_ERROR_FORMAT)
end

@testset "models are saved, compiled, folded, exported and compacted" begin
    folder, model, dataset, expected = mktempdir(), case_model(), case_dataset(), CASES["engine"]["logits"]
    DeepMoE.save(model, joinpath(folder, "a.safetensors"))
    @test close_to(Engine(joinpath(folder, "a.safetensors"))(IMAGES), expected)
    engine = compile(model; threads = 1)
    @test close_to(engine(IMAGES), expected)
    @test JSON.parse(evaluate(engine, dataset))["samples"] == BATCH
    @test JSON.parse(describe(fold(model)))["num_classes"] == CLASSES
    @test haskey(JSON.parse(describe_architecture(model)), "totals") && occursin("conv", architecture_text(model))
    export_onnx(model, joinpath(folder, "a.onnx"); gates = false)
    @test filesize(joinpath(folder, "a.onnx")) > 1000
    smaller, report = compact(model, dataset; min_utilisation = 0)
    @test close_to(logits(smaller, IMAGES), expected) && haskey(JSON.parse(report), "after")
    @test fails(() -> compact(model, dataset; classes = ["none"]), DeepMoE.DMOE_ERROR_INVALID_ARGUMENT, "none")
end

@testset "failures name the file" begin
    @test fails(() -> Model("none"), DeepMoE.DMOE_ERROR_NOT_FOUND, "none")
    @test fails(() -> read_image(case_model(), "none"), DeepMoE.DMOE_ERROR_NOT_FOUND, "none")
    @test fails(() -> convert_pytorch("none", tempname()), DeepMoE.DMOE_ERROR_NOT_FOUND, "none")
    @test fails(() -> fetch_dataset("imagenet", mktempdir()), DeepMoE.DMOE_ERROR_INVALID_ARGUMENT, "imagenet")
    @test fails(() -> Dataset(Options(dataset = "folder", data_dir = "none"), "train"), DeepMoE.DMOE_ERROR_NOT_FOUND, "none")
end

@testset "data sets lend and give back" begin
    Dataset(BYTES, LABELS; num_classes = CLASSES, layout = :nhwc) do dataset
        @test length(dataset) == BATCH && num_classes(dataset) == CLASSES
        @test JSON.parse(describe(dataset))["size"] == BATCH
        @test DeepMoE.lent_count() >= 1
    end
    @test fails(() -> Dataset(IMAGES, LABELS; num_classes = 1), DeepMoE.DMOE_ERROR_INVALID_ARGUMENT)
    @test thrown(() -> Dataset(IMAGES, LABELS[2:end])) isa DimensionMismatch
    @test length(Dataset(Options(dataset = "synthetic"), "test")) > 0
end

@testset "batches come in order or shuffled" begin
    loader = Loader(case_dataset(), training_options())
    @test length(loader) == 2 && image_size(loader) == SIDE
    seen = [(copy(images), copy(labels)) for (images, labels) in loader]
    @test cat(first.(seen)...; dims = 4) == IMAGES && reduce(vcat, last.(seen)) == LABELS
    trainer, labels = case_trainer(), Int64[]
    for (images, of) in Loader(case_dataset(), training_options(); epoch = 3)
        step!(trainer, images, of)
        append!(labels, of)
    end
    @test sort(labels) == sort(LABELS)
    rest = Loader(case_dataset(), training_options(); epoch = 3, first_batch = 1)
    @test length(rest) == 1
    @test reduce(vcat, [copy(of) for (_, of) in rest]) == labels[end-length(LABELS)÷2+1:end]
end

@testset "fit tells its events" begin
    options = training_options()
    options[:epochs] = 2
    epochs = Int[]
    summary = fit!(Trainer(case_model(), options), case_dataset(), case_dataset(); callback = (event, json) -> begin
        event == DeepMoE.EPOCH && push!(epochs, JSON.parse(json)["epoch"])
    end)
    @test epochs == [1, 2] && haskey(JSON.parse(summary), "accuracy")
end

@testset "a callback ends a call, and what it throws goes on in it" begin
    model, dataset, trainer = case_model(), case_dataset(), case_trainer()
    engine = compile(model)
    calls = (callback -> fit!(trainer, dataset; callback), callback -> evaluate(model, dataset; callback),
             callback -> evaluate(engine, dataset; callback), callback -> compact(model, dataset; callback))
    for call in calls
        @test thrown(() -> call((event, json) -> throw(KeyError("of the callback")))) == KeyError("of the callback")
        @test fails(() -> call((event, json) -> DeepMoE.Stop(1234)), 1234)
    end
    fit!(trainer, dataset) # It can be used as before.
end

@testset "the machine is described" begin
    @test JSON.parse(diagnose()) isa AbstractDict
end

@testset "a report tells what the experts do" begin
    model, dataset = case_model(), case_dataset()
    report = Report(compile(model; threads = 1), dataset; thresholds = [0.5])
    found = JSON.parse(figures(report))
    @test found["samples"] == BATCH
    @test layers(report) == [layer["name"] for layer in found["layers"]]
    layer = found["layers"][1]
    @test vec(matrix(report, "utilisation", layer["name"])) ≈ layer["utilisation"]
    @test sum(matrix(report, "confusion")) == BATCH
    @test fails(() -> matrix(report, "nothing"), DeepMoE.DMOE_ERROR_NOT_FOUND, "nothing")
    folder = joinpath(mktempdir(), "report")
    write_report(report, folder)
    @test startswith(read(joinpath(folder, "report.html"), String), "<!DOCTYPE html>")
    trainer = Trainer(model, training_options())
    before = Report(trainer, dataset)
    step!(trainer, IMAGES, LABELS)
    @test JSON.parse(figures(compared_with(Report(model, dataset), before)))["drift"] isa AbstractDict
end
