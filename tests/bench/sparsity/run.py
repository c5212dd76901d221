"""Trains dense and sparse networks on CIFAR-10 and tells accuracy, MACs and the engine's time of each.

usage: run.sh [--quick] [--data_dir DATA_DIR] [--out build/sparsity] [--only NAME ...] [--seeds N] [--table CSV] [--times]

The networks are those of experiments.py, some with --seeds seeds (3), some with one. Training images are split: 10 %
validate and choose the epoch, and the test images are looked at once, in the end. Each run adds a line to the table
(OUT/results.csv unless --table names another); what is in it already is not done again, and a run that was interrupted
goes on where it was. --quick trains the dense network and recipe modern for a few epochs on a part of the images, in ten
minutes on two cores, into OUT/quick. --times trains nothing and measures the engine again on all networks of the table.

The environment variable DEEPMOE names the command. The plot needs matplotlib; without it there is none.
"""
import argparse
import csv
import json
import os
import pathlib
import statistics
import subprocess
import sys

from experiments import BUDGET, DENSE, EXPERIMENTS, QUICK, TRAINING

HERE = pathlib.Path(__file__).resolve().parent
COLUMNS = ["experiment", "seed", "epochs", "train_images", "validation_accuracy", "test_accuracy", "density", "active_macs",
           "macs", "experts", "dead_experts", "always_on_experts", "engine_ms_64", "engine_dense_ms_64", "engine_ms_1",
           "engine_dense_ms_1", "commit"]


def run(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"failed with status {done.returncode}: {' '.join(command)}")
    return done.stdout


def run_json(command):
    return json.loads(run(command))


def flags(options):
    return [word for name, value in options.items() for word in (f"--{name}", value)]


def commit():
    done = subprocess.run(["git", "-C", str(HERE), "describe", "--always", "--dirty"], stdout=subprocess.PIPE, text=True)
    return done.stdout.strip() or "unknown"


class Runner:
    def __init__(self, settings, table):
        self.settings = settings
        self.deepmoe = os.environ.get("DEEPMOE", "build/release/bin/deepmoe")
        self.out = pathlib.Path(settings.out)
        self.table = table
        self.data = self.find_data()
        self.rows = []
        if table.exists():
            with open(table, newline="") as file:
                self.rows = list(csv.DictReader(file))
        self.dense_macs = self.info(DENSE)

    def find_data(self):
        folder = self.settings.data_dir
        if folder is None:
            folder = str(self.out / "cifar10")
            run([self.deepmoe, "fetch", "cifar10", "--data_dir", folder])
        name = "folder" if (pathlib.Path(folder) / "train").is_dir() else "cifar10"
        return {"dataset": name, "data_dir": folder}

    def info(self, network):
        """The MACs of a network with every expert active."""
        command = [self.deepmoe, "info", *flags(network), "--variant", "cifar", "--image_size", "32", "--num_classes", "10",
                   "--json"]
        return run_json(command)["totals"]["all"]["dense_macs"]

    def target_macs(self, options):
        """The share of its own MACs with which a network needs BUDGET ("budget") or all ("dense") of the dense network's."""
        own = self.info({name: options[name] for name in ("model", "width", "embedding_dim") if name in options})
        return f"{(BUDGET if options['target_macs'] == 'budget' else 1) * self.dense_macs / own:.4f}"

    def known(self, name, seed):
        return any(row["experiment"] == name and row["seed"] == str(seed) for row in self.rows)

    def times(self, weights):
        """The engine's milliseconds for a batch, with the network's gates and with every expert computed."""
        columns = {}
        for batch_size in (64, 1):
            result = run_json([self.deepmoe, "bench", "infer", "--weights", str(weights), "--batch_size", str(batch_size),
                               "--threads", "1", "--brief", "--engine_only", "--json"])
            columns[f"engine_ms_{batch_size}"] = f"{result['engine_ms']:.4f}"
            columns[f"engine_dense_ms_{batch_size}"] = f"{result['engine_dense_ms']:.4f}"
        return columns

    def measure_again(self):
        """Times of every network whose run is still there, all on one machine in one go."""
        for row in self.rows:
            weights = self.out / f"{row['experiment']}-{row['seed']}" / "best.safetensors"
            if weights.exists():
                row.update(self.times(weights))
        self.write()

    def teacher(self, name, training, seed):
        """The weights of a network that teaches; a table that came from elsewhere does not bring them."""
        weights = self.out / f"{name}-{seed}" / "best.safetensors"
        if not weights.exists():
            self.fit(next(one for one in EXPERIMENTS if one["name"] == name), training, seed)
        return str(weights)

    def fit(self, experiment, training, seed):
        """The folder of the run, and the epochs and training images of it."""
        name = experiment["name"]
        folder = self.out / f"{name}-{seed}"
        options = {**training, **self.data, **experiment["options"], "seed": str(seed)}
        if "target_macs" in options:
            options["target_macs"] = self.target_macs(options)
        if "distill" in options:
            options["distill"] = self.teacher(options["distill"], training, seed)
        print(f"== {name}, seed {seed}: {' '.join(flags(options))}", flush=True)
        start = ["--resume", str(folder)] if (folder / "checkpoints" / "last.safetensors").exists() else ["--out", str(folder)]
        run([self.deepmoe, "train", *flags(options), *start], stderr=None)
        return folder, options["epochs"], options.get("train_images", "45000")

    def train(self, experiment, training, seed):
        name = experiment["name"]
        if self.known(name, seed):
            return
        folder, epochs, train_images = self.fit(experiment, training, seed)
        summary = json.loads((folder / "summary.json").read_text())
        weights = folder / "best.safetensors"
        test = run_json([self.deepmoe, "eval", "--weights", str(weights), *flags(self.data), "--split", "test", "--json"])
        row = {"experiment": name, "seed": seed, "epochs": epochs, "train_images": train_images,
               "validation_accuracy": f"{100 * summary['accuracy']:.2f}", "test_accuracy": f"{100 * test['accuracy']:.2f}",
               "density": f"{test.get('density', 1):.4f}", "active_macs": round(test["active_macs"]),
               "macs": f"{test['active_macs'] / self.dense_macs:.4f}", "experts": test.get("experts", 0),
               "dead_experts": test.get("dead_experts", 0), "always_on_experts": test.get("always_on_experts", 0),
               "commit": commit(), **self.times(weights)}
        self.add(row)

    def add(self, row):
        self.rows.append({key: str(value) for key, value in row.items()})
        self.write()

    def write(self):
        self.table.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.table.with_suffix(".part")
        with open(unfinished, "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)
        unfinished.replace(self.table)


def spread(values):
    """The mean and, of several, the standard deviation between seeds."""
    return f"{statistics.mean(values):.2f}" + (f" +- {statistics.stdev(values):.2f}" if len(values) > 1 else "")


def summary_lines(rows, names):
    lines = ["| network | runs | validation | test | active MACs | experts that depend on the image | engine, batch 64 | batch 1 |",
             "|---|---|---|---|---|---|---|---|"]
    for name in names:
        of_name = [row for row in rows if row["experiment"] == name]
        if not of_name:
            continue

        def mean(column):
            return statistics.mean(float(row[column]) for row in of_name)

        # Beside a time, what share it is of the time without skipping.
        times = [f"{mean(f'engine_ms_{size}'):.2f} ms ({mean(f'engine_ms_{size}') / mean(f'engine_dense_ms_{size}'):.2f})"
                 for size in (64, 1)]
        routed = statistics.mean(
            (int(row["experts"]) - int(row["dead_experts"]) - int(row["always_on_experts"])) / max(1, int(row["experts"]))
            for row in of_name)
        accuracies = [spread([float(row[column]) for row in of_name]) for column in ("validation_accuracy", "test_accuracy")]
        lines.append(f"| {name} | {len(of_name)} | {accuracies[0]} % | {accuracies[1]} % | {mean('macs'):.3f} | "
                     f"{100 * routed:.0f} % | {times[0]} | {times[1]} |")
    return lines


def plot(rows, path):
    try:
        import matplotlib
    except ImportError:
        print("no plot: matplotlib cannot be imported; `pip install matplotlib` brings it")
        return
    matplotlib.use("svg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), sharey=True)
    for place, name in enumerate(dict.fromkeys(row["experiment"] for row in rows)):
        of_name = [row for row in rows if row["experiment"] == name]
        accuracy = [float(row["test_accuracy"]) for row in of_name]
        error = statistics.stdev(accuracy) if len(accuracy) > 1 else None
        label = name if len(accuracy) > 1 else f"{name} (one run)"
        for axis, column in ((axes[0], "macs"), (axes[1], "engine_ms_64")):
            axis.errorbar(statistics.mean(float(row[column]) for row in of_name), statistics.mean(accuracy), error,
                          fmt="s" if error is None else "o", color=pyplot.get_cmap("tab20")(place % 20), capsize=3, label=label)
    axes[0].set_xlabel("active MACs, as a share of the dense network's")
    axes[1].set_xlabel("engine, one thread, ms for a batch of 64")
    axes[0].set_ylabel("test accuracy, %")
    axes[1].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--data_dir")
    parser.add_argument("--out", default="build/sparsity")
    parser.add_argument("--table", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--times", action="store_true")
    settings = parser.parse_args()
    if settings.quick:
        settings.out, settings.seeds = str(pathlib.Path(settings.out) / "quick"), 1
    experiments = [one for one in EXPERIMENTS if not settings.quick or one["name"] in QUICK["experiments"]]
    names = [one["name"] for one in experiments]
    for name in settings.only or []:
        if name not in names:
            sys.exit(f"there is no experiment '{name}'; there are {', '.join(names)}")
    table = settings.table or pathlib.Path(settings.out) / "results.csv"
    runner = Runner(settings, table)
    training = {**TRAINING, **(QUICK["options"] if settings.quick else {})}
    if settings.times:
        runner.measure_again()
    for seed in range(0 if settings.times else settings.seeds):
        for experiment in experiments:
            if (not settings.only or experiment["name"] in settings.only) and not (seed > 0 and experiment.get("single")):
                runner.train(experiment, training, seed)
    print()
    print("\n".join(summary_lines(runner.rows, names)))
    plot(runner.rows, table.with_suffix(".svg"))


main()
