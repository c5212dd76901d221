"""Trains a small gated network on arrays of the program and saves it: stripes, whose direction is the class."""

import sys

import deepmoe
import numpy

SIDE, BATCH, CLASSES = 16, 32, 4
generator = numpy.random.default_rng(1)


def batch():
    labels = generator.integers(0, CLASSES, BATCH)
    y, x = numpy.mgrid[0:SIDE, 0:SIDE]
    across = numpy.array([1, 0, 1, 1])[labels, None, None] * x + numpy.array([0, 1, 1, 3])[labels, None, None] * y
    stripes = numpy.where((across + generator.integers(0, 4, (BATCH, 1, 1))) % 4 < 2, 1, -1)
    return (stripes[:, None] + generator.uniform(-1, 1, (BATCH, 3, SIDE, SIDE))).astype(numpy.float32), labels


options = deepmoe.Options(model="resnet18_moe", width=0.125, num_classes=CLASSES, image_size=SIDE, device="cpu",
                          optimizer="sgd", lr=0.02)
with deepmoe.Model(options) as model, deepmoe.Trainer(model, options) as trainer:
    for step in range(1, 81):
        loss = trainer.step(*batch())
        if step % 20 == 0:
            print(f"step {step}: loss {loss:.3f}")
    images, labels = batch()
    print(f"{(model.logits(images).argmax(axis=1) == labels).sum()} of {BATCH} new images recognised")
    model.save(sys.argv[1])
