"""Writes what the optimizers and schedules of Python's torch do, step by step, for optimizer_rules_test.cpp and
schedule_test.cpp, which compare the library with it.

usage: torch_optim.py FILE [TEST_PROGRAM]

With a test program, its cases run on the file at once; without, the file is kept: torch_optim.json beside this script.
"""
import json
import os
import subprocess
import sys

import torch
from torch.optim import lr_scheduler

STEPS = 6
SHAPES = [(2, 3), (3,)]
WITHOUT_GRADIENT = (3, 1)  # in this step this parameter has none

UNIFORM = [{"decays": True, "lr_factor": 1.0}] * 2
GROUPED = [{"decays": True, "lr_factor": 1.0}, {"decays": False, "lr_factor": 0.5}]
OPTIMIZERS = [
    ({"optimizer": "sgd", "lr": 0.1, "momentum": 0, "weight_decay": 0.1}, UNIFORM),
    ({"optimizer": "sgd", "lr": 0.1, "momentum": 0.8, "nesterov": False, "weight_decay": 0}, UNIFORM),
    ({"optimizer": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, GROUPED),
    ({"optimizer": "adam", "lr": 0.1, "weight_decay": 0}, UNIFORM),
    ({"optimizer": "adam", "lr": 0.05, "betas": [0.8, 0.95], "eps": 0.01, "weight_decay": 0.05}, GROUPED),
    ({"optimizer": "adamw", "lr": 0.1, "weight_decay": 0}, UNIFORM),
    ({"optimizer": "adamw", "lr": 0.05, "betas": [0.8, 0.95], "eps": 0.01, "weight_decay": 0.05}, GROUPED),
    ({"optimizer": "adamax", "lr": 0.1, "weight_decay": 0}, UNIFORM),
    ({"optimizer": "adamax", "lr": 0.05, "betas": [0.8, 0.95], "eps": 0.01, "weight_decay": 0.05}, GROUPED),
    ({"optimizer": "rmsprop", "lr": 0.1, "momentum": 0, "weight_decay": 0}, UNIFORM),
    ({"optimizer": "rmsprop", "lr": 0.02, "momentum": 0.9, "alpha": 0.9, "eps": 0.01, "weight_decay": 0.05}, GROUPED),
    ({"optimizer": "adagrad", "lr": 0.1, "weight_decay": 0}, UNIFORM),
    ({"optimizer": "adagrad", "lr": 0.1, "lr_decay": 0.2, "eps": 0.01, "weight_decay": 0.05}, GROUPED),
    ({"optimizer": "adadelta", "lr": 1.0, "weight_decay": 0}, UNIFORM),
    ({"optimizer": "adadelta", "lr": 0.5, "rho": 0.8, "eps": 0.01, "weight_decay": 0.05}, GROUPED),
]
CLASSES = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "adamax": "Adamax", "rmsprop": "RMSprop",
           "adagrad": "Adagrad", "adadelta": "Adadelta"}

SCHEDULES = [
    ({"schedule": "step", "lr": 0.4, "epochs": 6, "milestones": [2, 5], "gamma": 0.25, "warmup_epochs": 0}, 3),
    ({"schedule": "step", "lr": 0.4, "epochs": 12, "milestones": [4, 6], "gamma": 0.1, "warmup_epochs": 2}, 3),
    ({"schedule": "cosine", "lr": 0.2, "epochs": 5, "warmup_epochs": 0}, 4),
    ({"schedule": "cosine", "lr": 0.2, "epochs": 8, "warmup_epochs": 1.5}, 4),
    ({"schedule": "one_cycle", "lr": 0.3, "epochs": 5, "warmup_epochs": 0}, 4),
    ({"schedule": "one_cycle", "lr": 0.3, "epochs": 7, "warmup_epochs": 0}, 3),
    ({"schedule": "one_cycle", "lr": 0.3, "epochs": 8, "warmup_epochs": 1.5}, 4),
    ({"schedule": "one_cycle", "lr": 0.3, "epochs": 1, "warmup_epochs": 0}, 2),
]


def initial(parameter):
    count = torch.Size(SHAPES[parameter]).numel()
    return (torch.arange(count, dtype=torch.float32) / 4 - 0.5 + parameter).reshape(SHAPES[parameter])


def gradient(parameter, step):
    """Exact in single precision, and now and then 0."""
    count = torch.Size(SHAPES[parameter]).numel()
    numbers = [((7 * step + 3 * i + 5 * parameter) % 11 - 5) / 8 for i in range(count)]
    return torch.tensor(numbers, dtype=torch.float32).reshape(SHAPES[parameter])


def optimizer_steps(options, groups):
    parameters = [torch.nn.Parameter(initial(p)) for p in range(len(SHAPES))]
    settings = {name: value for name, value in options.items() if name != "optimizer"}
    if "betas" in settings:
        settings["betas"] = tuple(settings["betas"])
    optimizer = getattr(torch.optim, CLASSES[options["optimizer"]])([
        {"params": [parameter], "weight_decay": options["weight_decay"] if group["decays"] else 0}
        for parameter, group in zip(parameters, groups)], **settings)
    steps = []
    for step in range(STEPS):
        for p, parameter in enumerate(parameters):
            parameter.grad = None if (step, p) == WITHOUT_GRADIENT else gradient(p, step)
            optimizer.param_groups[p]["lr"] = options["lr"] / (1 + step) * groups[p]["lr_factor"]
        optimizer.step()
        steps.append([[float(f"{value:.9g}") for value in parameter.flatten().tolist()] for parameter in parameters])
    return steps


def rates_of(make_scheduler, lr, count):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = make_scheduler(optimizer)
    rates = []
    for step in range(count):
        if step > 0:
            optimizer.step()
            scheduler.step()
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def schedule_rates(options, steps_per_epoch):
    warmup = round(options["warmup_epochs"] * steps_per_epoch)
    count = options["epochs"] * steps_per_epoch - warmup

    def course(optimizer):
        if options["schedule"] == "step":
            milestones = [milestone * steps_per_epoch - warmup for milestone in options["milestones"]]
            return lr_scheduler.MultiStepLR(optimizer, milestones, options["gamma"])
        if options["schedule"] == "cosine":
            return lr_scheduler.CosineAnnealingLR(optimizer, count)
        return lr_scheduler.OneCycleLR(optimizer, options["lr"], total_steps=count, cycle_momentum=False)

    rates = rates_of(course, options["lr"], count)
    if warmup == 0:
        return rates
    rise = rates_of(lambda optimizer: lr_scheduler.LinearLR(optimizer, 1 / warmup, 1.0, warmup - 1), rates[0], warmup)
    return rise + rates


def main():
    numbers = {
        "torch": torch.__version__.split("+")[0],
        "optimizers": [{"options": options, "groups": groups, "steps": optimizer_steps(options, groups)}
                       for options, groups in OPTIMIZERS],
        "schedules": [{"options": options, "steps_per_epoch": steps, "rates": schedule_rates(options, steps)}
                      for options, steps in SCHEDULES],
    }
    lines = []
    for name in ("optimizers", "schedules"):
        rows = ",\n".join(json.dumps(row) for row in numbers[name])
        lines.append(f'"{name}": [\n{rows}\n]')
    with open(sys.argv[1], "w") as file:
        file.write(f'{{"torch": "{numbers["torch"]}",\n' + ",\n".join(lines) + "\n}\n")
    if len(sys.argv) > 2:
        environment = dict(os.environ, DEEPMOE_TORCH_OPTIM=os.path.abspath(sys.argv[1]))
        program = subprocess.run([sys.argv[2], "-tc=*torch.optim*"], env=environment, capture_output=True, text=True)
        print(program.stdout + program.stderr, end="")
        compared = f"numbers of torch {numbers['torch']} from {environment['DEEPMOE_TORCH_OPTIM']}"
        sys.exit(program.returncode if compared in program.stdout else "FAILED: the program did not read the numbers")


if __name__ == "__main__":
    main()
