"""Scores every case of a folder with pycocotools. Prints one JSON object per line: {"case": name, "stats": [...]}.

A case is NAME.truth.json and NAME.results.json, and for a skeleton of its own NAME.sigmas.json.
usage: coco.py FOLDER bbox|keypoints
"""
import contextlib
import io
import json
import pathlib
import sys
import time

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def score(truth, results, sigmas, kind):
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(truth))
        evaluation = COCOeval(coco, coco.loadRes(str(results)), kind)
        if sigmas.exists():
            evaluation.params.kpt_oks_sigmas = np.array(json.loads(sigmas.read_text()))
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    by_class = [float(p[p > -1].mean()) if (p > -1).any() else -1.0 for p in precision.transpose(2, 0, 1)]
    return list(map(float, evaluation.stats)), by_class


def main(folder, kind):
    for truth in sorted(pathlib.Path(folder).glob("*.truth.json")):
        name = truth.name.removesuffix(".truth.json")
        started = time.perf_counter()
        results, sigmas = (truth.with_name(f"{name}.{part}.json") for part in ("results", "sigmas"))
        stats, by_class = score(truth, results, sigmas, kind)
        seconds = time.perf_counter() - started
        print(json.dumps({"case": name, "stats": stats, "byClass": by_class, "seconds": seconds}))


main(*sys.argv[1:])
