"""All-reduce of two processes with PyTorch's gloo over TCP on the loopback interface.

usage: gloo.py ELEMENTS

Each line of the input is a number of all-reduces; the answer is a line of JSON with the milliseconds of each, and of the
CPU for all of them in both processes.
"""
import json
import multiprocessing
import os
import socket
import sys
import time


def join(rank, port):
    import torch.distributed

    torch.distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)


def all_reduce(values):
    import torch.distributed

    started = time.perf_counter()
    torch.distributed.all_reduce(values)
    return 1000 * (time.perf_counter() - started)


def follow(port, elements, counts):
    import torch

    join(1, port)
    values = torch.zeros(elements)
    while True:
        for _ in range(counts.recv()):
            all_reduce(values)
        counts.send(time.process_time())


def main(elements):
    import torch

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    counts, theirs = multiprocessing.Pipe()
    multiprocessing.Process(target=follow, args=(port, elements, theirs), daemon=True).start()
    join(0, port)
    values = torch.zeros(elements)
    other = 0
    for line in sys.stdin:
        before = time.process_time() + other
        counts.send(int(line))
        times = [all_reduce(values) for _ in range(int(line))]
        other = counts.recv()
        print(json.dumps({"times": times, "cpu": 1000 * (time.process_time() + other - before)}), flush=True)


os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
main(int(sys.argv[1]))
