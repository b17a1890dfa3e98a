"""`python tf_function.py CASE_FOLDER WARM_UP STEPS RATE [nudged]`: training steps of the network in the folder.

Python TensorFlow takes them; `nudged` takes the next larger float32 for every weight. One step is a tf.function: forward, backward, and gradients and statistics read as arrays. Prints, as JSON, the seconds of
each measured step, the CPU seconds of all of them, and the loss of every step, where plain gradient descent follows each.
"""
import json
import resource
import sys
import time

import numpy as np
import tensorflow as tf

folder, warm_up, steps, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
case = json.load(open(f"{folder}/case.json"))


def read(name, shape):
    return np.fromfile(f"{folder}/{name}", dtype=np.float32).reshape(shape)


flat = read("weights", -1)
if sys.argv[5:] == ["nudged"]:
    flat = np.nextafter(flat, np.float32(np.inf))
values, at = {}, 0
for variable in case["variables"]:
    size = int(np.prod(variable["shape"]))
    values[variable["name"]] = tf.Variable(flat[at : at + size].reshape(variable["shape"]))
    at += size
trained = [variable["name"] for variable in case["variables"] if variable["kind"] == "trainable"]
batches = [
    (tf.constant(read(f"images-{i}", case["images"])), tf.constant(read(f"targets-{i}", case["targets"]))) for i in (0, 1)
]
statistics = {}


def convolve(x, name, stride, dilation=1):
    filters = values[f"{name}/weights"]
    kernel = filters.shape[0]
    if stride > 1 and kernel > 1:
        before = (kernel - 1) // 2
        side = [before, kernel - 1 - before]
        x, padding = tf.pad(x, [[0, 0], side, side, [0, 0]]), "VALID"
    else:
        padding = "SAME"
    x = tf.nn.conv2d(x, filters, stride, padding, dilations=dilation)
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x, scale=values[f"{name}/gamma"], offset=values[f"{name}/beta"], mean=[], variance=[], epsilon=case["epsilon"]
    )
    statistics[name] = (mean, variance)
    return y


def unit(x, plan):
    name, stride = plan["name"], plan["stride"]
    if f"{name}/shortcut/weights" in values:
        shortcut = convolve(x, f"{name}/shortcut", stride)
    else:
        shortcut = tf.nn.max_pool2d(x, 1, stride, "SAME") if stride > 1 else x
    parts = plan["strides"]
    for i, own in enumerate(parts):
        x = convolve(x, f"{name}/conv{i + 1}", own)
        x = tf.nn.relu(x) if i < len(parts) - 1 else tf.nn.relu(shortcut + x)
    return x


def network(x):
    root = case["root"]
    x = tf.nn.relu(convolve(x, "root", root["stride"]))
    if root["pool"]:
        x = tf.nn.max_pool2d(x, 3, 2, "SAME")
    for plan in case["units"]:
        x = unit(x, plan)
    return tf.reduce_mean(x, [1, 2]) @ values["head/slice_0/weights"] + values["head/slice_0/bias"]


@tf.function
def step(images, targets):
    with tf.GradientTape() as tape:
        logits = network(images)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits)
        loss = tf.reduce_sum(losses) / images.shape[0]
    gradients = tape.gradient(loss, [values[name] for name in trained])
    return loss, gradients, dict(statistics)


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


seconds, losses, cpu = [], [], 0.0
for i in range(warm_up + steps):
    began, cpu_began = time.perf_counter(), cpu_seconds()
    loss, gradients, moments = step(*batches[i % 2])
    arrays = [gradient.numpy() for gradient in gradients]
    _ = [(mean.numpy(), variance.numpy()) for mean, variance in moments.values()]
    losses.append(float(loss.numpy()))
    if i >= warm_up:
        seconds.append(time.perf_counter() - began)
        cpu += cpu_seconds() - cpu_began
    for name, gradient in zip(trained, arrays):
        values[name].assign_sub(rate * gradient)
print(json.dumps({"seconds": seconds, "cpuSeconds": cpu, "losses": losses}))
