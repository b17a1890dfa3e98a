"""Draws polygons with pycocotools. FILE has one JSON object per line: {"polygons": [[x, y, ...], ...], "height": h, "width": w}.

Prints the run lengths of the union of each, one JSON list per line. usage: polygons.py FILE
"""
import json
import sys

import numpy as np
from pycocotools import mask

for line in open(sys.argv[1]):
    case = json.loads(line)
    runs = mask.frPyObjects(case["polygons"], case["height"], case["width"])
    pixels = mask.decode(mask.merge(runs)).flatten(order="F")
    edges = np.flatnonzero(np.diff(np.concatenate([[0], pixels]))).tolist()
    ends = [0, *edges, len(pixels)]
    print(json.dumps([end - start for start, end in zip(ends, ends[1:])]))
