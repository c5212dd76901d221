"""Times torchvision's usual input pipeline for training on a folder of JPEG images: images per second.

usage: python data.py DIR [WORKERS] [SIZE] [BATCH]   DIR has a folder per class. needs: pip install torch torchvision
ImageFolder, RandomResizedCrop(SIZE), RandomHorizontalFlip, ToTensor, Normalize, DataLoader with workers that stay. Passes after
the first are timed, when files are in memory and workers have started. Prints one JSON line, the median of three passes.
"""
import json
import statistics
import sys
import time

import torch
import torchvision.transforms as transforms
from torchvision.datasets import ImageFolder


def main():
    root, rest = sys.argv[1], [int(word) for word in sys.argv[2:]]
    workers, size, batch = (rest + [2, 224, 64][len(rest):])[:3]
    transform = transforms.Compose([
        transforms.RandomResizedCrop(size), transforms.RandomHorizontalFlip(), transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    dataset = ImageFolder(root, transform)
    loader = torch.utils.data.DataLoader(dataset, batch_size=batch, shuffle=True, num_workers=workers,
                                         persistent_workers=workers > 0)
    rates = []
    for _ in range(4):
        start = time.perf_counter()
        images = sum(batch_images.shape[0] for batch_images, _ in loader)
        rates.append(images / (time.perf_counter() - start))
    print(json.dumps({"images": len(dataset), "workers": workers, "size": size, "batch_size": batch, "torch": torch.__version__,
                      "images_per_second": round(statistics.median(rates[1:]), 1)}))


if __name__ == "__main__":
    main()
