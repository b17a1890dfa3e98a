"""Scores folders of masks. Prints one JSON object a folder: {"case": name, "mIOU": mean, "pixelAccuracy": share,
"byClass": [IoU or null for a class that is neither in the truth nor predicted]}.

A case is a folder with ImageSets/Segmentation/val.txt, SegmentationClass and results. usage: mean_iou.py FOLDER
"""
import json
import pathlib
import sys

import numpy as np
from PIL import Image

CLASSES = 21
VOID = 255


def indices(file):
    """Pillow keeps the index of a palette picture."""
    return np.asarray(Image.open(file)).ravel()


def score(case):
    names = (case / "ImageSets/Segmentation/val.txt").read_text().split()
    truth = np.concatenate([indices(case / f"SegmentationClass/{name}.png") for name in names])
    predicted = np.concatenate([indices(case / f"results/{name}.png") for name in names])
    truth, predicted = truth[truth != VOID], predicted[truth != VOID]
    ratios = []
    for c in range(CLASSES):
        union = np.count_nonzero((truth == c) | (predicted == c))
        ratios.append(np.count_nonzero((truth == c) & (predicted == c)) / union if union else None)
    occurring = [ratio for ratio in ratios if ratio is not None]
    mean = sum(occurring) / len(occurring) if occurring else None
    return {"mIOU": mean, "pixelAccuracy": float(np.mean(truth == predicted)) if len(truth) else None, "byClass": ratios}


for case in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    print(json.dumps({"case": case.name, **score(case)}))
