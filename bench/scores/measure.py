"""Runs a command. Prints its output, then one line of JSON: seconds, CPU seconds and peak resident bytes of its process.

usage: measure.py COMMAND [ARG...]
"""
import json
import resource
import subprocess
import sys
import time

started = time.perf_counter()
output = subprocess.run(sys.argv[1:], check=True, stdout=subprocess.PIPE).stdout
seconds = time.perf_counter() - started
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
sys.stdout.buffer.write(output.strip() + b"\n")
print(json.dumps({"seconds": seconds, "cpuSeconds": usage.ru_utime + usage.ru_stime, "peakBytes": usage.ru_maxrss * 1024}))
