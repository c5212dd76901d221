"""Saves a ResNet-18 with Python's torch in several ways and compares `deepmoe convert` and `predict` with it.

usage: pytorch_test.py COMMAND FOLDER        (FOLDER is emptied and used)
"""
import json
import pathlib
import shutil
import struct
import subprocess
import sys

import torch
from torch import nn

TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64, "I64": torch.int64}


class Block(nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride != 1 or inputs != channels:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class ResNet18(nn.Module):
    """torchvision's, an eighth as wide, with the stem for small images."""

    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        for stage, channels in enumerate((8, 16, 32, 64)):
            inputs = 8 if stage == 0 else channels // 2
            blocks = nn.Sequential(Block(inputs, channels, 1 if stage == 0 else 2), Block(channels, channels, 1))
            setattr(self, f"layer{stage + 1}", blocks)
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def read_tensors(path):
    data = bytearray(path.read_bytes())
    size = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            values = torch.frombuffer(data[8 + size + begin:8 + size + end], dtype=TYPES[entry["dtype"]])
            tensors[name] = values.reshape(entry["shape"])
    return tensors


def write_input(path, images):
    blob = bytes(images.contiguous().view(-1).view(torch.uint8).tolist())
    header = json.dumps({"input": {"dtype": "F32", "shape": list(images.shape), "data_offsets": [0, len(blob)]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + blob)


def deepmoe(command, *arguments):
    result = subprocess.run([command, *map(str, arguments)], capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"FAILED: deepmoe {' '.join(map(str, arguments))}\n{result.stderr}")


def main():
    command, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    torch.manual_seed(3)
    model = ResNet18(7).train()
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.randn(8, 3, 32, 32)).square().sum().backward()
        optimizer.step()
    model.eval()
    images = torch.randn(4, 3, 32, 32)
    write_input(folder / "x.safetensors", images)
    with torch.no_grad():
        logits = model(images)

    state = model.state_dict()
    turned = {name: value.t().contiguous().t() if value.dim() == 2 else value for name, value in state.items()}
    saved = {
        "state_dict": (state, {}, 1e-4),
        "legacy": (state, {"_use_new_zipfile_serialization": False}, 1e-4),
        "protocol4": (state, {"pickle_protocol": 4}, 1e-4),
        "data_parallel": (nn.DataParallel(model).state_dict(), {}, 1e-4),
        "checkpoint": ({"epoch": 1, "state_dict": state, "optimizer": optimizer.state_dict(), "best": 0.5}, {}, 1e-4),
        "not_contiguous": (turned, {}, 1e-4),
        "double": ({name: value.double() if value.is_floating_point() else value for name, value in state.items()}, {}, 1e-4),
        "half": ({name: value.half() if value.is_floating_point() else value for name, value in state.items()}, {}, 2e-2),
    }
    failures = 0
    for name, (content, flags, tolerance) in saved.items():
        torch.save(content, folder / "x.pth", **flags)
        deepmoe(command, "convert", folder / "x.pth", folder / "bare.safetensors")
        bare = read_tensors(folder / "bare.safetensors")
        tensors = content.get("state_dict", content)
        for key, value in tensors.items():
            key = key.removeprefix("module.")
            if key not in bare or bare[key].dtype != value.dtype or not torch.equal(bare[key], value):
                failures += 1
                print(f"FAILED: {name}: {key} differs")
        deepmoe(command, "convert", folder / "x.pth", folder / "w.safetensors", "--model", "resnet18", "--width", "0.125",
                "--variant", "cifar")
        deepmoe(command, "predict", "--weights", folder / "w.safetensors", "--tensors", folder / "x.safetensors",
                "--output", folder / "y.safetensors")
        error = float((read_tensors(folder / "y.safetensors")["logits"] - logits).abs().max() / logits.abs().max())
        print(f"{name}: logits differ by {error:.1e} of the largest")
        failures += error > tolerance
    torch.save(model, folder / "x.pth")
    refused = subprocess.run([command, "convert", folder / "x.pth", folder / "z"], capture_output=True, text=True)
    failures += refused.returncode != 1 or "ResNet18" not in refused.stderr
    print(refused.stderr, end="")
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
