"""Runs torchvision's ResNets. Modes, each printing one line of JSON:
  make ARCHITECTURE FILE CLASSES SEED   a network with random weights and statistics, as safetensors
  logits ARCHITECTURE FILE CLASSES IMAGES...   the logits of each image for the weights in FILE, loaded strictly
An image is named HEIGHTxWIDTH-anything.rgb: bytes of red, green and blue, row by row.
"""
import json
import sys
from pathlib import Path

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


mode, *arguments = sys.argv[1:]
{"make": make, "logits": logits}[mode](*arguments)
