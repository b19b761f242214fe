"""What a run with nothing to do costs: `snakemake --cores all` beside the start of Snakemake and
`dvc status`, which it cannot do without. In this checkout, after `make run`.

    python -m benchmarks.no_op --repeats 5
"""

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "snakemake --cores all": ["snakemake", "--cores", "all"],
    "snakemake --version": ["snakemake", "--version"],
    "dvc status": ["dvc", "status"],
}


def seconds(words: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()}")
    if "--cores" in words and "Nothing to be done" not in done.stdout + done.stderr:
        sys.exit("there must be nothing to do: `make run` first")
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    # In turns, so that what else the machine does falls on all alike.
    measured = [
        {name: seconds(words) for name, words in COMMANDS.items()} for _ in range(args.repeats)
    ]
    for name in COMMANDS:
        each = [one[name] for one in measured]
        print(f"{name:22} {statistics.median(each):5.2f} s  ({min(each):.2f} to {max(each):.2f})")
    whole, *parts = COMMANDS
    ratios = [one[whole] / sum(one[part] for part in parts) for one in measured]
    print(f"ratio to the other two {statistics.median(ratios):5.2f}  (limit: 1.5)")


if __name__ == "__main__":
    main()
