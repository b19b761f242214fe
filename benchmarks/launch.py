"""Run a command and say how long it took and how much memory: `python launch.py OUT COMMAND...`.

In a small process of its own, since a peak of memory that the kernel reports of a child starts
from what its parent held when it was started.
"""

import json
import os
import sys
import time

if __name__ == "__main__":
    out, *words = sys.argv[1:]
    started = time.perf_counter()
    child = os.posix_spawnp(words[0], words, os.environ)
    _, status, used = os.wait4(child, 0)
    seconds = time.perf_counter() - started
    with open(out, "w", encoding="utf-8") as file:
        # Linux counts in KiB.
        json.dump({"seconds": seconds, "peak_mb": used.ru_maxrss * 1024 / 1e6}, file)
    sys.exit(os.waitstatus_to_exitcode(status))
