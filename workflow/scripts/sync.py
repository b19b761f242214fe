"""After a clone, a pull or a switch of branches: the results that belong to this commit.

They come from DVC's remote if there is one, else from its cache; whatever neither has,
`make run` builds, to the same bytes.
"""

import subprocess
import sys

from dvc.exceptions import DvcException
from recover import opened, recover, snakemake_locks


def sync() -> list[str]:
    """Fetch and check out what there is, and say what is still to be built."""
    repo = opened()
    done = [*snakemake_locks(), *recover(repo)]
    remote = repo.config["core"].get("remote")
    words = ["pull", "--run-cache"] if remote else ["checkout"]
    command = ["dvc", "--wait-for-lock", *words, "--allow-missing", "--force"]
    if subprocess.run(command).returncode != 0:
        raise DvcException(f"`dvc {words[0]}` failed; what it says stands above")
    stale = opened().status()
    origin = f"the remote {remote}" if remote else "DVC's cache (there is no remote)"
    there = f"all results of this commit are here, from {origin}"
    missing = f"{len(stale)} stages are not in {origin}, or have changed: `make run` builds them"
    return [*done, missing if stale else there]


if __name__ == "__main__":
    try:
        print("\n".join(sync()))
    except DvcException as error:
        sys.exit(f"sync: error: {' '.join(str(error).split())}")
