"""Sets the training step of `deepmoe bench train` beside the same network in plain PyTorch, in one interleaved run.

usage: python3 tests/bench/compare_train.py [--deepmoe build/release/bin/deepmoe] [--python PYTHON] [--rounds 5]
                                            [--threads 2] [--json]

PYTHON must be able to import torch (the same version as LibTorch, for a fair comparison); by default this one. Each round
runs ours, then the peer, in processes of their own; the figures are medians over the rounds, and only ratios mean
something on a shared machine. The peer is peers/train.py: gates before batch norm, Adam, the loss read back every step.
Ours is measured with that very training (recipe seed: Adam, pre_bn, gate_norm seed), with our defaults, and with that
very training in bf16 (--amp bf16). All ratios of times are to the peer's fp32; its own bf16 (channels last) is shown beside
them.

Memory is what the training took at its peak, in MB: model, optimizer, images and step, resident and not of files, above
what the process held before there was a model; in the peer everything is imported by then. It is set beside the peer's in
the same precision, of which ours may take as much.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# batch size, image size, the largest ratios of times that are accepted, for fp32 and for bf16
SHAPES = [(64, 32, 0.70, 0.55), (8, 224, 0.85, 0.42)]
SIDES = ["same", "default", "bf16", "peer", "peer_bf16"]


def last_json_line(command):
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output.strip().splitlines()[-1])


def ours(arguments, batch_size, image_size, *options):
    """Milliseconds a step, and MB."""
    command = [arguments.deepmoe, "bench", "train", "--model", "resnet18_moe", "--variant", "imagenet", "--num_classes", "10",
               "--batch_size", str(batch_size), "--image_size", str(image_size), "--threads", str(arguments.threads),
               "--steps", str(arguments.steps), "--warmup", "3", "--json", *options]
    result = last_json_line(command)
    return result["step_ms"], result["memory_mb"]


def peer(arguments, batch_size, image_size, variant):
    command = [arguments.python, str(HERE / "peers" / "train.py"), str(batch_size), str(image_size), str(arguments.threads),
               variant]
    result = last_json_line(command)
    return result[variant], result["memory_mb"]


def measure(arguments, batch_size, image_size):
    """Medians of milliseconds and of MB, by side."""
    rounds = {side: [] for side in SIDES}
    for _ in range(arguments.rounds):
        rounds["same"].append(ours(arguments, batch_size, image_size, "--recipe", "seed"))
        rounds["peer"].append(peer(arguments, batch_size, image_size, "eager"))
        rounds["bf16"].append(ours(arguments, batch_size, image_size, "--recipe", "seed", "--amp", "bf16"))
        rounds["default"].append(ours(arguments, batch_size, image_size))
        rounds["peer_bf16"].append(peer(arguments, batch_size, image_size, "bf16_cl"))
    return ({side: statistics.median(ms for ms, _ in rounds[side]) for side in SIDES},
            {side: statistics.median(mb for _, mb in rounds[side]) for side in SIDES})


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
        ms, mb = measure(arguments, batch_size, image_size)
        rows.append({"batch_size": batch_size, "image_size": image_size, "peer_ms": round(ms["peer"], 1),
                     "same_training_ms": round(ms["same"], 1), "default_ms": round(ms["default"], 1),
                     "bf16_ms": round(ms["bf16"], 1), "peer_bf16_ms": round(ms["peer_bf16"], 1),
                     "same_training_ratio": round(ms["same"] / ms["peer"], 3),
                     "default_ratio": round(ms["default"] / ms["peer"], 3), "accepted": accepted,
                     "bf16_ratio": round(ms["bf16"] / ms["peer"], 3),
                     "peer_bf16_ratio": round(ms["peer_bf16"] / ms["peer"], 3), "accepted_bf16": accepted_bf16,
                     "peer_mb": round(mb["peer"], 1), "same_training_mb": round(mb["same"], 1),
                     "default_mb": round(mb["default"], 1), "bf16_mb": round(mb["bf16"], 1),
                     "peer_bf16_mb": round(mb["peer_bf16"], 1), "memory_ratio": round(mb["same"] / mb["peer"], 3),
                     "memory_bf16_ratio": round(mb["bf16"] / mb["peer_bf16"], 3)})
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
    print()
    print("batch  pixels  PyTorch eager  deepmoe, same training  deepmoe, defaults  PyTorch, bf16  deepmoe, bf16")
    for row in rows:
        print(f"{row['batch_size']:5}  {row['image_size']:6}  {row['peer_mb']:10.1f} MB  "
              f"{row['same_training_mb']:10.1f} MB ({row['memory_ratio']:.2f})  {row['default_mb']:14.1f} MB  "
              f"{row['peer_bf16_mb']:10.1f} MB  {row['bf16_mb']:6.1f} MB ({row['memory_bf16_ratio']:.2f})")


if __name__ == "__main__":
    main()
