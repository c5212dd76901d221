"""Writes the files beside it with Python's torch.save (PyTorch 2.14); run in this folder to renew them."""
import argparse
import collections

import torch

model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
with torch.no_grad():
    for number, tensor in enumerate(model.state_dict().values()):
        tensor.copy_(torch.arange(tensor.numel()).reshape(tensor.shape) + 10 * number)
state = model.state_dict()
torch.save(state, "state_dict.pth")
torch.save(state, "legacy.pth", _use_new_zipfile_serialization=False)
torch.save(state, "protocol4.pth", pickle_protocol=4)
torch.save(dict(state), "dictionary.pth")
torch.save(torch.nn.DataParallel(model).state_dict(), "data_parallel.pth")
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
model(torch.ones(2, 3)).sum().backward()
optimizer.step()
with torch.no_grad():
    for number, tensor in enumerate(model.state_dict().values()):
        tensor.copy_(torch.arange(tensor.numel()).reshape(tensor.shape) + 10 * number)
torch.save({"epoch": 3, "arch": "small", "best": torch.tensor(0.5), "big": 10**30, "state_dict": model.state_dict(),
            "optimizer": optimizer.state_dict()}, "checkpoint.pth")
base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
torch.save({"transposed": base.t(), "slice": base[1:3, 2:5], "column": base[:, 1], "scalar": torch.tensor(7),
            "half": base[0].half(), "bfloat16": base[0].bfloat16(), "double": base[0].double(),
            "byte": base[0].byte(), "flags": base[0] > 2, "short": base[0].short(), "empty": torch.empty(0, 3),
            "parameter": torch.nn.Parameter(base[0].clone())}, "types.pth")
torch.save({"state_dict": state, "args": argparse.Namespace(lr=0.1)}, "namespace.pth")
torch.save(model, "module.pth")
torch.save([base], "list.pth")
torch.save({"weight": base, "note": "text"}, "note.pth")
torch.save({"weight": base.to_sparse()}, "sparse.pth")
torch.save({"weight": torch.zeros(1).expand(1000, 1000, 1000)}, "expanded.pth")
torch.save({"weight": torch.complex(base, base)}, "complex.pth")
torch.save(collections.OrderedDict(), "empty.pth")
torch.save(base, "tensor.pth")
