"""Sets the training step of `deepmoe bench train` beside the same network in plain PyTorch, in one interleaved run.

usage: python3 tests/bench/compare_train.py [--deepmoe build/release/bin/deepmoe] [--python PYTHON] [--rounds 5]
                                            [--threads 2] [--json]

PYTHON must be able to import torch (the same version as LibTorch, for a fair comparison); by default this one. Each round
runs ours, then the peer, in processes of their own; the figures are medians over the rounds, and only ratios mean
something on a shared machine. The peer is peers/train.py: gates before batch norm, Adam, the loss read back every step.
Ours is measured with that very training (recipe seed: Adam, pre_bn, gate_norm seed), with our defaults, and with that
very training in bf16 (--amp bf16). All ratios are to the peer's fp32; its own bf16 (channels last) is shown beside them.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# batch size, image size, the largest ratios that are accepted, for fp32 and for bf16
SHAPES = [(64, 32, 0.75, 0.55), (8, 224, 0.90, 0.42)]


def last_json_line(command):
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output.strip().splitlines()[-1])


def ours(arguments, batch_size, image_size, *options):
    command = [arguments.deepmoe, "bench", "train", "--model", "resnet18_moe", "--variant", "imagenet", "--num_classes", "10",
               "--batch_size", str(batch_size), "--image_size", str(image_size), "--threads", str(arguments.threads),
               "--steps", str(arguments.steps), "--warmup", "3", "--json", *options]
    return last_json_line(command)["step_ms"]


def peer(arguments, batch_size, image_size, variant):
    command = [arguments.python, str(HERE / "peers" / "train.py"), str(batch_size), str(image_size), str(arguments.threads),
               variant]
    return last_json_line(command)[variant]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deepmoe", default="build/release/bin/deepmoe")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    rows = []
    for batch_size, image_size, accepted, accepted_bf16 in SHAPES:
        times = {"same": [], "default": [], "bf16": [], "peer": [], "peer_bf16": []}
        for _ in range(arguments.rounds):
            times["same"].append(ours(arguments, batch_size, image_size, "--recipe", "seed"))
            times["peer"].append(peer(arguments, batch_size, image_size, "eager"))
            times["bf16"].append(ours(arguments, batch_size, image_size, "--recipe", "seed", "--amp", "bf16"))
            times["default"].append(ours(arguments, batch_size, image_size))
            times["peer_bf16"].append(peer(arguments, batch_size, image_size, "bf16_cl"))
        medians = {name: statistics.median(values) for name, values in times.items()}
        rows.append({"batch_size": batch_size, "image_size": image_size, "peer_ms": round(medians["peer"], 1),
                     "same_training_ms": round(medians["same"], 1), "default_ms": round(medians["default"], 1),
                     "bf16_ms": round(medians["bf16"], 1), "peer_bf16_ms": round(medians["peer_bf16"], 1),
                     "same_training_ratio": round(medians["same"] / medians["peer"], 3),
                     "default_ratio": round(medians["default"] / medians["peer"], 3), "accepted": accepted,
                     "bf16_ratio": round(medians["bf16"] / medians["peer"], 3),
                     "peer_bf16_ratio": round(medians["peer_bf16"] / medians["peer"], 3), "accepted_bf16": accepted_bf16})
    if arguments.json:
        print(json.dumps({"threads": arguments.threads, "rounds": arguments.rounds, "rows": rows}))
        return
    print("batch  pixels  PyTorch eager  deepmoe, same training  deepmoe, defaults  accepted  deepmoe, bf16  accepted  "
          "PyTorch, bf16")
    for row in rows:
        print(f"{row['batch_size']:5}  {row['image_size']:6}  {row['peer_ms']:10.1f} ms  "
              f"{row['same_training_ms']:10.1f} ms ({row['same_training_ratio']:.2f})  "
              f"{row['default_ms']:7.1f} ms ({row['default_ratio']:.2f})  {row['accepted']:8.2f}  "
              f"{row['bf16_ms']:6.1f} ms ({row['bf16_ratio']:.2f})  {row['accepted_bf16']:8.2f}  "
              f"{row['peer_bf16_ms']:6.1f} ms ({row['peer_bf16_ratio']:.2f})")


if __name__ == "__main__":
    main()
