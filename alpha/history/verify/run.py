"""Verify: rebuild everything in another working tree, and compare with what dvc.lock records.

`dvc repro` runs there with an empty cache, so that nothing is restored and nothing of the
project is touched.
"""

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

from alpha.core.errors import InputError
from alpha.core.text import track
from alpha.history.repository import by_path, opened, pipeline
from alpha.history.verify import current, weights
from alpha.history.verify.differences import Difference, of_out
from alpha.history.verify.rebuild import rebuild
from alpha.history.verify.worktree import worktree

if TYPE_CHECKING:
    from dvc.stage import Stage


def run(root: Path, lock: Path, *, data: str, keep: Path | None = None) -> str:
    """Rebuild the project in `root` and compare; what came of it, as a sentence.

    `data` is data.dir, which is linked into the working tree if it is the user's own. That tree
    is in a temporary folder, or in `keep`, which stays.

    Raises InputError if `lock` is not of this checkout, if a step fails, or if an artifact's
    content differs from the record: the first in the order of the pipeline, and where in it.
    """
    if not lock.is_file():
        raise InputError(f"{lock}: must be the record to compare with, found no file")
    with worktree(root, data=data, keep=keep) as (folder, place):
        shutil.copyfile(lock, place / "dvc.lock")
        with opened(root, source=str(root)) as repo:
            cache = repo.cache.local_cache_dir
        with opened(place, source=str(lock), cache=cache) as recorded:
            stages = pipeline(recorded)
            current.check(stages, lock)
            with closing(rebuild(place, folder / "repro.log")) as each:
                for _ in track(each, "verify", total=len(stages)):
                    pass
            with opened(place, source=str(place)) as repo:
                made = by_path(out for stage in pipeline(repo) for out in stage.outs)
            found: dict[Stage, list[Difference]] = {}
            containers: list[str] = []
            for stage in stages:
                for out in stage.outs:
                    if made[out.def_path] == out.hash_info.value:
                        continue
                    otherwise = bool(containers)
                    for one in of_out(recorded, root, out, place, stored_otherwise=otherwise):
                        if one.where is None:
                            containers.append(one.path)
                        else:
                            found.setdefault(stage, []).append(one)
            if found:
                raise InputError(_refusal(found, recorded.index.graph.successors, lock))
    return _sentence(sum(len(stage.outs) for stage in stages), len(stages), containers)


def _refusal(
    found: "dict[Stage, list[Difference]]", needs: "Callable[[Stage], list[Stage]]", lock: Path
) -> str:
    first = next(iter(found))
    line = f"stage {first.name} does not give what {lock} records"
    # What differs though all that it is made from is the same.
    origins = [stage for stage in found if not any(one in found for one in needs(stage))]
    if all(stage.name.startswith("train_networks") for stage in origins):
        trained = [one for stage in origins for one in found[stage]]
        if any(map(weights.are_weights, trained)):
            every = [one for each in found.values() for one in each]
            return f"{line}, but {weights.what_follows(trained, every)}"
    return f"{line}: {found[first][0]}"


def _sentence(artifacts: int, stages: int, containers: list[str]) -> str:
    count = f"{artifacts} artifacts of {stages} stages"
    if not containers:
        return f"{count}: all the same bytes"
    more = f" and {len(containers) - 1} more" if len(containers) > 1 else ""
    return (
        f"{count}: all the same content; only the container differs in {containers[0]}{more}, "
        f"as another HDF5 library would write it (here HDF5 {h5py.version.hdf5_version})"
    )
