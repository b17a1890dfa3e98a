"""Runs torchvision's ResNets. Modes, each printing one line of JSON:
  make ARCHITECTURE FILE CLASSES SEED   a network with random weights and statistics, as safetensors
  logits ARCHITECTURE FILE CLASSES IMAGES...   the logits of each image for the weights in FILE, loaded strictly
  golden ARCHITECTURE CLASSES SIZES...   logits of images of HEIGHTxWIDTH; weights and pixels are those of hashed.ts
An image is named HEIGHTxWIDTH-anything.rgb: bytes of red, green and blue, row by row.
"""
import json
import sys
from pathlib import Path

import numpy
import torch
import torchvision
from safetensors.torch import load_file, save_file
from torchvision.transforms.functional import normalize

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def network(architecture, classes):
    return getattr(torchvision.models, architecture)(num_classes=classes)


def make(architecture, path, classes, seed):
    torch.manual_seed(int(seed))
    model = network(architecture, int(classes))
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.num_batches_tracked.fill_(7)
            torch.nn.init.uniform_(module.weight, 0.5, 1)
            torch.nn.init.normal_(module.bias, 0, 0.2)
    save_file(model.state_dict(), path)
    print(json.dumps(len(model.state_dict())))


def pixels(path):
    height, width = (int(side) for side in Path(path).name.split("-")[0].split("x"))
    image_HWC = torch.frombuffer(bytearray(Path(path).read_bytes()), dtype=torch.uint8).reshape(height, width, 3)
    return normalize(image_HWC.permute(2, 0, 1).float() / 255, MEAN, STD)


def logits(architecture, path, classes, *images):
    model = network(architecture, int(classes))
    model.load_state_dict(load_file(path), strict=True)
    model.eval()
    with torch.no_grad():
        print(json.dumps([model(pixels(image).unsqueeze(0))[0].tolist() for image in images]))


def hashed(count, seed):
    """count numbers below 2**32"""
    x = numpy.arange(count, dtype=numpy.uint32) * numpy.uint32(0x9E3779B1) + numpy.uint32(seed)
    x = (x ^ (x >> numpy.uint32(16))) * numpy.uint32(0x7FEB352D)
    x = (x ^ (x >> numpy.uint32(15))) * numpy.uint32(0x846CA68B)
    return x ^ (x >> numpy.uint32(16))


def golden(architecture, classes, *sizes):
    model = network(architecture, int(classes))
    state = model.state_dict()
    for seed, name in enumerate(sorted(name for name in state if "tracked" not in name)):
        shape = tuple(state[name].shape)
        share = hashed(state[name].numel(), seed) / 2**32
        if len(shape) == 4:
            values = (2 * share - 1) * numpy.sqrt(6 / numpy.prod(shape[1:]))
        elif name == "fc.weight":
            values = (2 * share - 1) * 0.05
        elif name.endswith("running_var"):
            values = 0.5 + share
        elif name.endswith("weight"):
            values = 0.25 + 0.5 * share
        else:
            values = 0.4 * (share - 0.5)
        state[name].copy_(torch.from_numpy(values.astype(numpy.float32).reshape(shape)))
    model.eval()
    results = {}
    for seed, size in enumerate(sizes):
        height, width = (int(side) for side in size.split("x"))
        bytes_HWC = (hashed(height * width * 3, 1000000 + seed) >> numpy.uint32(24)).reshape(height, width, 3)
        image_CHW = torch.from_numpy(bytes_HWC.astype(numpy.float32)).permute(2, 0, 1) / 255
        with torch.no_grad():
            results[size] = model(normalize(image_CHW, MEAN, STD).unsqueeze(0))[0].tolist()
    names = [f"{name} {list(value.shape)}" for name, value in state.items()]
    print(json.dumps({"logits": results, "names": names}))


mode, *arguments = sys.argv[1:]
{"make": make, "logits": logits, "golden": golden}[mode](*arguments)
