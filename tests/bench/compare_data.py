"""Sets the input pipeline of `deepmoe bench data` beside torchvision's DataLoader, in one interleaved run.

usage: python3 tests/bench/compare_data.py DATA [--deepmoe build/release/bin/deepmoe] [--python PYTHON] [--rounds 5]
                                                [--workers 2] [--size 224] [--batch_size 64] [--json]

DATA is a folder with train/ (a folder of JPEG images per class), or a .tar.gz archive of one, which is unpacked into a
temporary folder. PYTHON must be able to import torch and torchvision; by default this one. Each round runs ours, then the peer
(peers/data.py), in processes of their own, with random-resized crop, flip and normalisation and the same number of workers;
figures are medians over the rounds, and only ratios mean something on a shared machine. Exit status 0 if ours gives at least
twice as many images a second.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
REQUIRED = 2.0


def images_per_second(command):
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output.strip().splitlines()[-1])["images_per_second"]


def ours(arguments, folder):
    return images_per_second([
        arguments.deepmoe, "bench", "data", "--dataset", "folder", "--data_dir", str(folder), "--image_size", str(arguments.size),
        "--batch_size", str(arguments.batch_size), "--num_workers", str(arguments.workers), "--random_resized_crop", "true",
        "--flip", "0.5", "--passes", "3", "--json"])


def peer(arguments, folder):
    return images_per_second([arguments.python, str(HERE / "peers" / "data.py"), str(folder / "train"), str(arguments.workers),
                              str(arguments.size), str(arguments.batch_size)])


def measure(arguments, folder):
    rates = {"deepmoe": [], "torchvision": []}
    for _ in range(arguments.rounds):
        rates["deepmoe"].append(ours(arguments, folder))
        rates["torchvision"].append(peer(arguments, folder))
    ratio = statistics.median(a / b for a, b in zip(rates["deepmoe"], rates["torchvision"]))
    return {"size": arguments.size, "batch_size": arguments.batch_size, "workers": arguments.workers, "rounds": arguments.rounds,
            "images_per_second": {name: round(statistics.median(values), 1) for name, values in rates.items()},
            "ratio": round(ratio, 2), "required": REQUIRED, "met": ratio >= REQUIRED}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--deepmoe", default="build/release/bin/deepmoe")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.data
        if folder.is_file():
            with tarfile.open(folder) as archive:
                archive.extractall(temporary, filter="data")
            folder = pathlib.Path(temporary)
        result = measure(arguments, folder)
    if arguments.json:
        print(json.dumps(result))
    else:
        rates = result["images_per_second"]
        print(f"{result['size']} pixels, batch {result['batch_size']}, {result['workers']} worker(s), {result['rounds']} round(s): "
              f"torchvision {rates['torchvision']:.0f} images/s, deepmoe {rates['deepmoe']:.0f} images/s, "
              f"ratio {result['ratio']:.2f} (required {REQUIRED:.1f})")
    return 0 if result["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
