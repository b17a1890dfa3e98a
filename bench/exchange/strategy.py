"""One exchange with TensorFlow's ParameterServerStrategy: a worker, a parameter server and a chief, connected by gRPC.

usage: strategy.py VARIABLES ELEMENTS

Each line of the input is a number of exchanges; the answer is a line of JSON with the milliseconds of each, and of the
CPU for all of them in all three processes. The worker reads the variables and sends them back as their own gradients, so
that it computes nothing; the parameter server applies them with TensorFlow's fused RMSProp.
"""
import json
import os
import socket
import subprocess
import sys
import time


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def serve(role):
    import tensorflow as tf

    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    tf.distribute.Server(resolver.cluster_spec(), job_name=role, task_index=0, protocol="grpc").join()


def cpu_ms(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(") ", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return 10 * total


def chief(variables, elements):
    cluster = {role: [f"127.0.0.1:{free_port()}"] for role in ("chief", "worker", "ps")}

    def environment(role):
        return {**os.environ, "TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": role, "index": 0}})}

    servers = [subprocess.Popen([sys.executable, __file__, role], env=environment(role)) for role in ("worker", "ps")]
    try:
        os.environ.update(environment("chief"))
        exchange_on_request(variables, elements, [os.getpid(), *(server.pid for server in servers)])
    finally:
        for server in servers:
            server.kill()


def exchange_on_request(variables, elements, pids):
    import tensorflow as tf

    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    strategy = tf.distribute.ParameterServerStrategy(resolver)
    coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
    with strategy.scope():
        rows = [
            [tf.Variable(tf.fill([elements], value)) for value in (0.5, 1.0, 0.0)] for _ in range(variables)
        ]
    assert all("/job:ps" in weight.device for row in rows for weight in row)

    @tf.function
    def step():
        gradients = [tf.identity(weight.read_value()) for weight, _, _ in rows]
        for (weight, square, momentum), gradient in zip(rows, gradients):
            with tf.device(weight.device):
                tf.raw_ops.ResourceApplyRMSProp(
                    var=weight.handle, ms=square.handle, mom=momentum.handle,
                    lr=1e-4, rho=0.9, momentum=0.9, epsilon=1.0, grad=gradient,
                )  # fmt: skip

    def exchange():
        started = time.perf_counter()
        coordinator.schedule(step)
        coordinator.join()
        return 1000 * (time.perf_counter() - started)

    for line in sys.stdin:
        before = cpu_ms(pids)
        times = [exchange() for _ in range(int(line))]
        print(json.dumps({"times": times, "cpu": cpu_ms(pids) - before}), flush=True)


if sys.argv[1] in ("worker", "ps"):
    serve(sys.argv[1])
else:
    chief(int(sys.argv[1]), int(sys.argv[2]))
