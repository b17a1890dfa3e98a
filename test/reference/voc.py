"""Scores VOC folders as `voc_eval` of py-faster-rcnn defines average precision. Prints one JSON object a folder:
{"case": name, "11-point": {class: AP}, "area": {class: AP}}; a class without an object that counts is left out.

A case is a folder with Annotations, ImageSets/Main/test.txt and results. usage: voc.py FOLDER
"""
import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np

EPSILON = np.finfo(np.float64).eps


def read_objects(case):
    """(image, class) -> boxes N×4 and difficult N, in the order of the file."""
    objects = {}
    for image in (case / "ImageSets/Main/test.txt").read_text().split():
        for node in ElementTree.parse(case / f"Annotations/{image}.xml").iter("object"):
            box = [float(node.find(f"bndbox/{side}").text) for side in ("xmin", "ymin", "xmax", "ymax")]
            objects.setdefault((image, node.find("name").text), []).append((box, node.find("difficult").text == "1"))
    return {
        key: (np.array([box for box, _ in found]), np.array([difficult for _, difficult in found]))
        for key, found in objects.items()
    }


def read_detections(file):
    """The best score first. numpy's default sort leaves the order of equal scores open; this keeps that of the file."""
    rows = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    order = np.argsort([-float(row[1]) for row in rows], kind="stable")
    return [(rows[i][0], np.array(rows[i][2:], dtype=float)) for i in order]


def overlaps(boxes, box):
    low = np.maximum(boxes[:, :2], box[:2])
    high = np.minimum(boxes[:, 2:], box[2:])
    shared = np.prod(np.maximum(high - low + 1, 0), axis=1)
    return shared / (np.prod(box[2:] - box[:2] + 1) + np.prod(boxes[:, 2:] - boxes[:, :2] + 1, axis=1) - shared)


def judge(detections, objects, name):
    """1 and 0 for each detection: right, wrong. Both are 0 where the object is difficult."""
    found = {key: np.zeros(len(boxes), dtype=bool) for key, (boxes, _) in objects.items()}
    right, wrong = np.zeros(len(detections)), np.zeros(len(detections))
    for i, (image, box) in enumerate(detections):
        boxes, difficult = objects.get((image, name), (np.zeros((0, 4)), np.zeros(0)))
        values = overlaps(boxes, box)
        best = int(np.argmax(values)) if len(values) else -1
        if best < 0 or not values[best] > 0.5:
            wrong[i] = 1
        elif not difficult[best]:
            wrong[i] = found[image, name][best]
            right[i] = not found[image, name][best]
            found[image, name][best] = True
    return right, wrong


def eleven_points(recall, precision):
    return sum(np.max(precision[recall >= t], initial=0) / 11 for t in np.arange(0.0, 1.1, 0.1))


def area(recall, precision):
    recall = np.concatenate(([0.0], recall, [1.0]))
    precision = np.concatenate(([0.0], precision, [0.0]))
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.flatnonzero(recall[1:] != recall[:-1])
    return float(np.sum((recall[steps + 1] - recall[steps]) * envelope[steps + 1]))


def score(case):
    objects = read_objects(case)
    values = {"11-point": {}, "area": {}}
    for name in sorted({name for _, name in objects}):
        count = sum(np.count_nonzero(~difficult) for (_, other), (_, difficult) in objects.items() if other == name)
        if count == 0:
            continue
        detections = read_detections(case / f"results/comp4_det_test_{name}.txt")
        right, wrong = (np.cumsum(marks) for marks in judge(detections, objects, name))
        recall, precision = right / count, right / np.maximum(right + wrong, EPSILON)
        values["11-point"][name] = float(eleven_points(recall, precision))
        values["area"][name] = area(recall, precision)
    return values


for case in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    print(json.dumps({"case": case.name, **score(case)}))
