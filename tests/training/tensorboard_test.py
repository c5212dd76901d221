"""Loads the event files of `deepmoe train --tensorboard` with TensorBoard's own reader.

usage: tensorboard_test.py COMMAND FOLDER

COMMAND is the deepmoe command; FOLDER is emptied and used. Prints a line that begins "SKIPPED: " where tensorboard
cannot be imported.
"""
import json
import math
import pathlib
import shutil
import subprocess
import sys

try:
    from tensorboard.backend.event_processing import event_accumulator
    from tensorboard.backend.event_processing import plugin_event_accumulator
except ImportError as error:
    print(f"SKIPPED: {error}; sh cmake/bootstrap.sh test installs it")
    sys.exit(0)

CURVES = {
    "loss/train": "train_loss",
    "loss/validation": "val_loss",
    "accuracy/train": "train_acc",
    "accuracy/validation": "val_acc",
    "experts/density": "density",
    "experts/dead": "dead_experts",
    "experts/always_on": "always_on_experts",
    "experts/effective": "effective_experts",
    "run/gate_loss": "gate_loss",
    "run/lr": "lr",
}
IMAGES = 48


def close(a, b):
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-12)


def main():
    command, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run = folder / "run"
    subprocess.run([command, "train", "--model", "resnet18_moe", "--width", "0.125", "--image_size", "16", "--epochs",
                    "3", "--batch_size", "16", "--synthetic_train_size", "64", "--synthetic_test_size", str(IMAGES),
                    "--num_workers", "0", "--gate_init", "random", "--tensorboard", "--checkpoint_epochs", "1", "--out", str(run)],
                   check=True, stdout=subprocess.DEVNULL)
    # A run that goes on from an earlier epoch records the later ones again; each is to be shown once.
    subprocess.run([command, "train", "--resume", str(run / "checkpoints" / "epoch-0001.safetensors")], check=True,
                   stdout=subprocess.DEVNULL)
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert len(rows) == 3

    # What it reads; 0 keeps all of it.
    events = event_accumulator.EventAccumulator(
        str(run), size_guidance={event_accumulator.SCALARS: 0, event_accumulator.HISTOGRAMS: 0})
    events.Reload()
    scalars, histograms = set(events.Tags()["scalars"]), set(events.Tags()["histograms"])
    for curve, figure in CURVES.items():
        points = events.Scalars(curve)
        assert [point.step for point in points] == [1, 2, 3], curve
        for point, row in zip(points, rows):
            assert close(point.value, row[figure]), (curve, point.value, row[figure])
    layers = rows[0]["layers"]
    assert len(layers) == 16
    assert histograms == {"gates/" + layer["name"] for layer in layers}
    for index, layer in enumerate(layers):
        for figure in ("density", "dead_experts", "always_on_experts", "effective_experts", "gate_loss"):
            assert f"layer_{figure}/{layer['name']}" in scalars
        points = events.Histograms("gates/" + layer["name"])
        assert [point.step for point in points] == [1, 2, 3]
        for point, row in zip(points, rows):
            gates = row["layers"][index]
            histogram = point.histogram_value
            assert histogram.num == IMAGES * gates["experts"] == sum(histogram.bucket)
            assert close(histogram.sum / histogram.num, gates["mean_gate"])
            # The first bucket holds the inactive experts.
            assert close(1 - histogram.bucket[0] / histogram.num, gates["density"])
            assert histogram.min <= histogram.max <= histogram.bucket_limit[-1]

    # The reader that the web page uses turns them into tensors: scalars, and (begin, end, count) of each bucket.
    page = plugin_event_accumulator.EventAccumulator(str(run), size_guidance={}, tensor_size_guidance={
        "scalars": 0, "histograms": 0})
    page.Reload()
    assert set(page.PluginTagToContent("scalars")) == scalars
    assert set(page.PluginTagToContent("histograms")) == histograms
    buckets = page.Tensors("gates/" + layers[0]["name"])[0].tensor_proto
    assert buckets.tensor_shape.dim[1].size == 3
    print(f"TensorBoard reads {len(scalars)} curves and {len(histograms)} histograms of {len(rows)} epochs")


main()
