"""Sets the engine beside OpenVINO and ONNX Runtime (and torch.compile) on the same dense network, in one interleaved run.

usage: python3 tests/bench/compare_infer.py [--deepmoe build/release/bin/deepmoe] [--python PYTHON] [--rounds 5]
                                            [--threads 1] [--image_size 32] [--quick] [--compile] [--json]

PYTHON must be able to import torch, torchvision, onnx, onnxruntime and openvino; by default this one. Each round runs
`deepmoe bench infer` at every density and then the peers, each in a process of its own; the figures are medians over the
rounds, and the ratios, whose medians are taken over the rounds too, are to OpenVINO's dense float32 in the same round:
only they mean something on a shared machine. At density 1 the engine computes every expert, and the embedding network and
the gate heads besides; the peers compute the network without them.

--image_size 224 measures ResNet-18 of variant imagenet at batch 1 and 8, and ResNet-50 at batch 1. --quick does one round without ONNX Runtime.
The exit status is 1 when a required ratio is not met.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
DENSITIES = ["1", "0.5", "0.25"]
# Network, our name for it, batch size, and the largest ratios that are accepted at those densities.
SMALL = [("resnet18", "resnet18_moe", 64, [0.80, 0.42, 0.27]),
         ("resnet18", "resnet18_moe", 1, [0.95, 0.60, 0.36]),
         ("vgg16", "vgg16_bn_moe", 64, [0.80, 0.28, 0.14]),
         ("vgg16", "vgg16_bn_moe", 1, [1.10, 0.50, 0.16])]
LARGE = [("resnet18", "resnet18_moe", 1, [0.95, 0.55, 0.33]),
         ("resnet18", "resnet18_moe", 8, [0.95, 0.55, 0.33]),
         ("resnet50", "resnet50_moe_b", 1, [1.10, 1.10, 1.10])]


def last_json_line(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def ours(arguments, model, batch, density):
    variant = "cifar" if arguments.image_size <= 64 else "imagenet"
    return last_json_line([arguments.deepmoe, "bench", "infer", "--model", model, "--variant", variant, "--density", density,
                           "--batch_size", str(batch), "--image_size", str(arguments.image_size), "--threads",
                           str(arguments.threads), "--rounds", "5", "--engine_only", "--brief", "--json"])["engine_ms"]


def peers(arguments, network, batch, names):
    times = {}
    for name in names:
        times[name] = last_json_line([arguments.python, str(HERE / "peers" / "infer.py"), str(arguments.threads), str(batch),
                                      network, str(arguments.image_size), name])[name]
    return times


def measure(arguments, row, names):
    network, model, batch, accepted = row
    times = {name: [] for name in [*DENSITIES, *names]}
    for _ in range(arguments.rounds):
        for density in DENSITIES:
            times[density].append(ours(arguments, model, batch, density))
        for name, value in peers(arguments, network, batch, names).items():
            times[name].append(value)
    ratios = {name: statistics.median(a / b for a, b in zip(values, times["openvino"])) for name, values in times.items()}
    return {"network": network, "batch_size": batch,
            "ms": {name: round(statistics.median(values), 3) for name, values in times.items()},
            "ratios": {name: round(ratio, 3) for name, ratio in ratios.items()},
            "required": dict(zip(DENSITIES, accepted)),
            "met": {density: ratios[density] <= limit for density, limit in zip(DENSITIES, accepted)}}


def print_table(arguments, rows, names):
    print(f"{arguments.image_size} pixels, {arguments.threads} thread(s), {arguments.rounds} round(s); ratios to OpenVINO's dense "
          "float32 (required in brackets)")
    header = f"{'network':10} {'batch':>5}  {'OpenVINO':>11}"
    print(header + "".join(f"  {'density ' + density:>18}" for density in DENSITIES) +
          "".join(f"  {name:>8}" for name in names if name != "openvino"))
    for row in rows:
        line = f"{row['network']:10} {row['batch_size']:5}  {row['ms']['openvino']:8.1f} ms"
        for density in DENSITIES:
            mark = "met" if row["met"][density] else "NOT"
            line += f"  {row['ratios'][density]:6.2f} ({row['required'][density]:.2f}) {mark:3}"
        print(line + "".join(f"  {row['ratios'][name]:8.2f}" for name in names if name != "openvino"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deepmoe", default="build/release/bin/deepmoe")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--image_size", type=int, default=32)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--compile", action="store_true", help="torch.compile too, which takes minutes to compile")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    names = ["openvino"] if arguments.quick else ["openvino", "ort"]
    if arguments.quick:
        arguments.rounds = 1
    if arguments.compile:
        names.append("inductor")

    rows = []
    for row in SMALL if arguments.image_size <= 64 else LARGE:
        print(f"{row[0]}, batch {row[2]} ...", file=sys.stderr, flush=True)
        rows.append(measure(arguments, row, names))
    if arguments.json:
        print(json.dumps({"image_size": arguments.image_size, "threads": arguments.threads, "rounds": arguments.rounds,
                          "rows": rows}))
    else:
        print_table(arguments, rows, names)
    return 0 if all(met for row in rows for met in row["met"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
