"""The networks that run.py trains, and with which options. All of a table are trained alike but for what is said here."""

# The full training set without the held-out images, which choose the epoch.
TRAINING = {
    "variant": "cifar",
    "epochs": "30",
    "batch_size": "128",
    "amp": "bf16",
    "validation_share": "0.1",
}
DENSE = {"model": "resnet18", "width": "0.25"}
# The embedding network costs 2 % of the dense network's MACs at this size; they count.
GATED = {"model": "resnet18_moe", "width": "0.25", "embedding_dim": "64"}
TAUGHT = {"distill": "dense"}  # by the dense network of the same seed

# target_macs "budget" is that share of the MACs of DENSE, whatever the network.
BUDGET = 0.5

EXPERIMENTS = [
    {"name": "dense", "options": DENSE},
    {"name": "narrow", "options": {**DENSE, "width": "0.177"}},
    {"name": "modern", "options": {**GATED, "target_macs": "budget"}},
    {"name": "narrow_taught", "options": {**DENSE, "width": "0.177", **TAUGHT}},
    {"name": "modern_taught", "options": {**GATED, "target_macs": "budget", **TAUGHT}},
    {"name": "static_taught", "options": {**GATED, "target_macs": "budget", "embedding_influence": "0", **TAUGHT}},
    # What is part of recipe modern, left out one by one.
    {"name": "static", "options": {**GATED, "target_macs": "budget", "embedding_influence": "0"}},
    {"name": "uniform_taught", "options": {**GATED, "target_macs": "budget", "limited_gates": "all", **TAUGHT}},
    {"name": "early_routing_taught",
     "options": {**GATED, "target_macs": "budget", "influence_schedule": "none", **TAUGHT}},
    {"name": "more_influence_taught",
     "options": {**GATED, "target_macs": "budget", "embedding_influence": "0.3", **TAUGHT}},
    # A controller on the penalty, as recipe modern had it before.
    {"name": "penalty", "options": {**GATED, "gate_select": "relu", "lambda_val": "0.01", "embedding_influence": "1",
                                    "influence_schedule": "none", "target_macs": "budget"}},
    # The paper's claim: twice as wide, for all of the dense network's MACs.
    {"name": "wide", "options": {**GATED, "width": "0.5", "target_macs": "dense"}},
    {"name": "wide_taught", "options": {**GATED, "width": "0.5", "target_macs": "dense", **TAUGHT}},
]

QUICK = {
    "experiments": ["dense", "modern", "modern_taught"],
    "options": {"epochs": "6", "train_images": "12000"},
}
