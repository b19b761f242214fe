"""Verify: rebuild everything in a copy of the checkout, and compare with what dvc.lock records.

No engine takes part: the stages' recorded commands are run in the order that their files ask
for. So a record that both engines would believe is put to the test by a third way in.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import h5py

from alpha.core.errors import InputError
from alpha.core.progress import track
from alpha.history.record import lock as locks
from alpha.history.record.recorded import Original
from alpha.history.verify import copy, current, flow
from alpha.history.verify.differences import Differs, of_out
from alpha.history.verify.rebuild import rebuild


def run(root: Path, lock: Path, *, data: str, jobs: int = 2, keep: Path | None = None) -> str:
    """Rebuild the project in `root` and compare; what came of it, as a sentence.

    `data` is data.dir, which is linked into the copy if it is the user's own. The copy is in a
    temporary folder, or in `keep`, which stays. `jobs` stages run at a time.

    Raises InputError if `lock` is not of this checkout, if a step fails, or if an artifact's
    content differs from the record: the first in the order of the pipeline, and where in it.
    """
    if jobs < 1:
        raise InputError(f"--jobs must be at least 1, found {jobs}")
    declared = flow.ordered(flow.declared(root))
    recorded = locks.read(lock)
    current.check(root, lock, declared, recorded)
    # A record may also have stages that have left the project.
    stages = {name: recorded[name] for name in declared}
    original = Original(root)
    containers: list[str] = []
    differing: dict[str, str] = {}

    with _folder(keep) as folder:
        place = copy.make(root, folder / "copy", stages, data=data)

        def same(name: str) -> bool:
            try:
                for out, entry in stages[name].outs.items():
                    stored_otherwise = bool(containers)
                    found = of_out(original, out, entry, place, stored_otherwise=stored_otherwise)
                    containers.extend(found)
            except Differs as difference:
                differing[name] = str(difference)
            return name not in differing

        each = rebuild(stages, place, logs=folder / "logs", jobs=jobs, same=same)
        with closing(each):
            for _ in track(each, "verify", total=len(stages)):
                pass
    for name in stages:
        if name in differing:
            raise InputError(f"stage {name} does not give what {lock} records: {differing[name]}")
    return _sentence(sum(len(stage.outs) for stage in stages.values()), len(stages), containers)


def _sentence(artifacts: int, stages: int, containers: list[str]) -> str:
    count = f"{artifacts} artifacts of {stages} stages"
    if not containers:
        return f"{count}: all the same bytes"
    more = f" and {len(containers) - 1} more" if len(containers) > 1 else ""
    return (
        f"{count}: all the same content; only the container differs in {containers[0]}{more}, "
        f"as another HDF5 library would write it (here HDF5 {h5py.version.hdf5_version})"
    )


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """A folder for the copy: `keep`, or one that is removed afterwards."""
    if keep is None:
        folder = Path(tempfile.mkdtemp(prefix="alpha-verify-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise InputError(f"--keep must be a new or empty folder, found {keep}")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()
