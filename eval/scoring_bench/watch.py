"""`python -m eval.scoring_bench.watch OUT COMMAND…`: run a command, write its seconds and its peak memory as JSON.

A process of its own, and a small one: the memory that the system reports of a child is never below its parent's.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter

BYTES_A_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss


def main(words: list[str]) -> int:
    """The exit code of the command."""
    out, *command = words
    started = perf_counter()
    code = subprocess.run(command, check=False).returncode
    seconds = perf_counter() - started
    took = {"seconds": seconds, "peak_bytes": peak_bytes(resource.RUSAGE_CHILDREN)}
    Path(out).write_text(json.dumps(took), "utf-8")
    return code


def peak_bytes(who: int) -> int:
    """Memory at most so far, of this process or of the largest of its children that have ended."""
    return resource.getrusage(who).ru_maxrss * BYTES_A_UNIT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
