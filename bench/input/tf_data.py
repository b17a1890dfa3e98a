"""One run of tf.data on the same shards, with the same crops. Prints a line of JSON, as one-loader.ts does.

usage: tf_data.py FOLDER DECODERS BATCHES
"""
import glob
import json
import resource
import sys
import time

import tensorflow as tf

RESIZE, CROP, BATCH, BUFFER = 340, 299, 32, 774
FEATURES = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string),
    "image/class/label": tf.io.VarLenFeature(tf.int64),
}


def decoded(record):
    example = tf.io.parse_single_example(record, FEATURES)
    picture = tf.io.decode_jpeg(example["image/encoded"], channels=3)
    small = tf.image.resize(picture, [RESIZE, RESIZE])
    return tf.cast(tf.clip_by_value(small, 0, 255), tf.uint8), example["image/class/label"].values


def cropped(picture, labels):
    crop = tf.image.random_flip_left_right(tf.image.random_crop(picture, [CROP, CROP, 3]))
    return tf.cast(crop, tf.float32) / 127.5 - 1, tf.one_hot(labels[0], 10)


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


folder, decoders, batches = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
files = sorted(glob.glob(folder + "/*.tfrecord"))
data = (
    tf.data.Dataset.from_tensor_slices(files)
    .repeat()
    .interleave(tf.data.TFRecordDataset, cycle_length=4)
    .map(decoded, num_parallel_calls=decoders)
    .shuffle(BUFFER)
    .map(cropped)
    .batch(BATCH, drop_remainder=True)
    .prefetch(2)
)
options = tf.data.Options()
options.threading.private_threadpool_size = decoders
started, cpu = time.perf_counter(), cpu_seconds()
images, first = 0, None
for pictures, _ in data.with_options(options).take(batches):
    images += int(pictures.shape[0])
    first = first or time.perf_counter() - started
seconds = time.perf_counter() - started
print(json.dumps({
    "images": images,
    # tf.data fills its buffer before the first batch: these pictures were decoded, too.
    "decoded": images + BUFFER,
    "seconds": seconds,
    "cpuSeconds": cpu_seconds() - cpu,
    "firstBatchSeconds": first,
}))
