"""The networks that run.py trains, and with which options. All of a table are trained alike but for what is said here."""

# The full training set without the held-out images, which choose the epoch.
TRAINING = {
    "variant": "cifar",
    "epochs": "15",
    "batch_size": "128",
    "amp": "bf16",
    "validation_share": "0.1",
}
DENSE = {"model": "resnet18", "width": "0.25"}
NARROW = {**DENSE, "width": "0.177"}
# The embedding network costs 2 % of the dense network's MACs at this size; they count.
# target_macs "budget" is that share of the MACs of DENSE, whatever the network.
GATED = {"model": "resnet18_moe", "width": "0.25", "embedding_dim": "64", "target_macs": "budget"}
BUDGET = 0.5
STATIC = {**GATED, "embedding_influence": "0"}
# The paper's claim: twice as wide, for all of the dense network's MACs.
WIDE = {**GATED, "width": "0.5", "target_macs": "dense"}
TAUGHT = {"distill": "dense"}  # by the dense network of the same seed

# Those of one run are "single"; the others have as many seeds as --seeds says.
EXPERIMENTS = [
    {"name": "dense", "options": DENSE},
    {"name": "narrow", "options": NARROW},
    {"name": "modern", "options": GATED},
    {"name": "modern_taught", "options": {**GATED, **TAUGHT}},
    {"name": "static_taught", "options": {**STATIC, **TAUGHT}},
    {"name": "narrow_taught", "options": {**NARROW, **TAUGHT}},
    {"name": "wide_taught", "single": True, "options": {**WIDE, **TAUGHT}},
    # What is part of recipe modern, left out one by one.
    {"name": "static", "single": True, "options": STATIC},
    {"name": "uniform_taught", "single": True, "options": {**GATED, "limited_gates": "all", **TAUGHT}},
    {"name": "early_routing_taught", "single": True, "options": {**GATED, "influence_schedule": "none", **TAUGHT}},
    # A controller on the penalty instead of limits.
    {"name": "penalty", "single": True,
     "options": {**GATED, "gate_select": "relu", "lambda_val": "0.01", "embedding_influence": "1",
                 "influence_schedule": "none"}},
    {"name": "wide", "single": True, "options": WIDE},
]

QUICK = {
    "experiments": ["dense", "modern", "modern_taught"],
    "options": {"epochs": "6", "train_images": "12000"},
}
