"""Reads TFRecord files with the package tfrecord and checks both check sums of each record with the package crc32c.

Prints one JSON object per record: {"key": [type, values], ...}, bytes in hex. usage: records.py FILE...
"""
import json
import struct
import sys

import crc32c
from tfrecord import example_pb2
from tfrecord.reader import tfrecord_iterator


def masked(data):
    crc = crc32c.crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def check_sums(path):
    with open(path, "rb") as file:
        while head := file.read(12):
            length, crc = struct.unpack("<QI", head)
            assert crc == masked(head[:8]), f"{path}: check sum of a length"
            data = file.read(length)
            assert struct.unpack("<I", file.read(4)) == (masked(data),), f"{path}: check sum of a record"


def plain(feature):
    kind = feature.WhichOneof("kind") if hasattr(feature, "WhichOneof") and feature.DESCRIPTOR.oneofs else None
    for name in [kind] if kind else ["bytes_list", "float_list", "int64_list"]:
        if feature.HasField(name):
            values = getattr(feature, name).value
            return [name, [value.hex() if isinstance(value, bytes) else value for value in values]]
    return ["none", []]


for path in sys.argv[1:]:
    check_sums(path)
    for record in tfrecord_iterator(path):
        example = example_pb2.Example()
        example.ParseFromString(bytes(record))
        print(json.dumps({key: plain(feature) for key, feature in example.features.feature.items()}))
