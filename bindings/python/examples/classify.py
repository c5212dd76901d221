"""Says what is in an image with the runtime library alone: classify.py WEIGHTS.safetensors IMAGE.npy

IMAGE.npy holds (height, width, 3) bytes of the network's size; with Pillow they are numpy.asarray(Image.open(...))."""

import sys

import deepmoe
import numpy

engine = deepmoe.Engine(sys.argv[1], threads=1)
image = numpy.load(sys.argv[2])
logits, macs = engine.measured(image[None], layout="nhwc")
names = engine.describe()["class_names"] or range(engine.num_classes)
best = logits[0].argmax()
print(f"{names[best]}: logit {logits[0, best]:.3f}, {macs / 1e6:.2f} million MACs")
