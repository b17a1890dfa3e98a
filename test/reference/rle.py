"""Encodes the masks of a JSON file with pycocotools: prints the compressed counts, area and box of each."""
import json
import sys

import numpy as np
from pycocotools import mask as masks

for case in json.load(open(sys.argv[1])):
    pixels = np.array(case["pixels"], dtype=np.uint8).reshape(case["height"], case["width"])
    rle = masks.encode(np.asfortranarray(pixels))
    same = bool((masks.decode({"size": rle["size"], "counts": case["ours"].encode()}) == pixels).all())
    print(json.dumps({"counts": rle["counts"].decode(), "area": int(masks.area(rle)), "decodesOurs": same}))
