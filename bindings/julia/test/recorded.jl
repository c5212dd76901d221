# Run by memory.jl, with a library that records addresses; prints where the arrays are.

using DeepMoE, JSON
include("cases.jl")

expect(call, images, results = C_NULL) =
    println(call, " ", UInt(pointer(images)), " ", results == C_NULL ? 0 : UInt(pointer(results)))

out = Matrix{Float32}(undef, CLASSES, BATCH)
engine = Engine(NETWORK)
logits!(out, engine, IMAGES)
expect("dmoe_engine_run", IMAGES, out)
logits!(out, engine, BYTES; layout = :nhwc)
expect("dmoe_engine_run_u8", BYTES, out)
options = Options(; (Symbol(name) => value for (name, value) in CASES["training"]["options"])...)
model = Model(NETWORK, options)
trainer = Trainer(model, options)
step!(trainer, IMAGES, LABELS)
expect("dmoe_trainer_step_f32", IMAGES, LABELS)
bytes = permutedims(BYTES, (2, 3, 1, 4))
step!(trainer, bytes, LABELS)
expect("dmoe_trainer_step", bytes, LABELS)
logits!(out, model, IMAGES)
expect("dmoe_model_forward_f32", IMAGES, out)
forward(model, bytes)
expect("dmoe_model_forward", bytes)
close(Dataset(IMAGES, LABELS; num_classes = CLASSES))
expect("dmoe_dataset_create_f32", IMAGES)
