"""What compare_boundary.py measures in Python: boundary.cpp says how."""

import sys
import time

import deepmoe
import numpy

options = deepmoe.Options(model="resnet18_moe", width=0.25, image_size=32, num_classes=10, device="cpu", optimizer="sgd",
                          lr=0.0001)
model = deepmoe.Model(options)
engine = model.compile(threads=1)
trainer = deepmoe.Trainer(model, options)
images, labels = numpy.full((2, 3, 32, 32), 0.5, numpy.float32), numpy.array([1, 2])
image = images[:1]
logits = numpy.empty((1, 10), numpy.float32)
for line in sys.stdin:
    what, count = line.split()
    start = time.perf_counter_ns()
    for _ in range(int(count)):
        if what == "engine":
            engine.run(image, out=logits)
        else:
            trainer.step(images, labels)
    print(time.perf_counter_ns() - start, flush=True)
