"""alpha verify: rebuild everything in a copy of the project, and compare with what dvc.lock
records. `dvc repro` runs there with an empty cache, so that nothing is restored and nothing of the
project is touched."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py

from alpha.core.cli import Arguments, Option
from alpha.core.errors import InputError
from alpha.core.text import some, track
from alpha.data.params import Data
from alpha.history import repository as history
from alpha.history.differences import Difference, of_out, of_weights
from alpha.history.repository import ABSENT
from alpha.ingest.params import Ingest

if TYPE_CHECKING:
    from dvc.stage import Stage

SUMMARY = "rebuild everything in a temporary copy, and compare with what dvc.lock records"
OPTIONS = [
    Option("--lock", "the record to compare with", default="dvc.lock"),
    Option("--keep", "a new folder for the copy, which then stays", required=False),
]
SECTIONS = {"data": Data, "ingest": Ingest}

# What would make Python look for the package elsewhere than in the copy.
_NOT_PASSED_ON = ("PYTHONPATH", "PYTHONSAFEPATH", "PYTHONDONTWRITEBYTECODE")


def command(params: Any, args: Arguments) -> None:
    # As an exception, so that what it started ends with it, and its folder is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    data = [params.data.dir, *(source.dir for source in params.ingest.sources)]
    print(run(Path("."), args.lock, data=data, keep=args.keep))


def run(root: Path, lock: Path, *, data: Sequence[str], keep: Path | None = None) -> str:
    """Rebuild the project in `root` and compare; what came of it, as a sentence. `data` and `keep`
    as in `_copied`.

    Raises InputError if `lock` is not of this checkout, if a step fails, or if an artifact's
    content differs from the record: the first in the order of the pipeline, and where in it.
    """
    if not lock.is_file():
        raise InputError(f"{lock}: must be the record to compare with, found no file")
    with _copied(root, data=data, keep=keep) as (folder, place):
        shutil.copyfile(lock, place / "dvc.lock")
        with history.opened(root, source=str(root)) as repo:
            cache = repo.cache.local_cache_dir
        with history.opened(place, source=str(lock), cache=cache) as recorded:
            stages = history.pipeline(recorded)
            if stale := next(_stale(stages), ""):
                fix = "run `snakemake --cores all` first"
                raise InputError(f"{lock}: is not of this checkout: {stale}; {fix}")
            with closing(_rebuilt(place, folder / "repro.log")) as names:
                list(track(names, "verify", total=len(stages)))
            found: dict[Stage, list[Difference]] = {}
            containers: list[str] = []
            made = ((stage, out) for stage in stages for out in stage.outs)
            for stage, out in (pair for pair in made if pair[1].workspace_status()):
                for one in of_out(recorded, root, out, digests=not containers):
                    if one.sentence:
                        found.setdefault(stage, []).append(one)
                    else:
                        containers.append(one.path)
            if found:
                raise InputError(_refusal(found, lock))
    count = f"{len(history.made_by(stages))} artifacts of {len(stages)} stages"
    if not containers:
        return f"{count}: all the same bytes"
    return (
        f"{count}: all the same content; only the container differs in {some(containers, most=1)}, "
        f"as another HDF5 library would write it (here HDF5 {h5py.version.hdf5_version})"
    )


def _refusal(found: "dict[Stage, list[Difference]]", lock: Path) -> str:
    line = f"stage {next(iter(found)).name} does not give what {lock} records"
    everything = [one for each in found.values() for one in each]
    outs = history.made_by(found)
    # What differs though all that it is made from is the same.
    origins = [
        stage
        for stage in found
        if not any(history.related(dep.def_path, outs) for dep in history.files(stage))
    ]
    weights = [one for stage in origins for one in found[stage] if one.path.endswith(".npz")]
    if weights and all(stage.name.startswith(("train_networks", "train_own")) for stage in origins):
        what = of_weights(weights, everything)
        return f"{line}, but only what follows from network weights differs: {what}"
    return f"{line}: {everything[0].sentence}"


@contextmanager
def _copied(root: Path, *, data: Sequence[str], keep: Path | None) -> Iterator[tuple[Path, Path]]:
    """A temporary folder, or `keep`, which stays; in it a copy of the project in `root`, without
    what git ignores, with an empty DVC cache. `data` are data.dir and folders of raw data: the
    user's own are linked.

    Raises InputError without a commit to begin with, or if `keep` has something in it.
    """
    if not history.git(root, "rev-parse", "--verify", "HEAD"):
        raise InputError(f"{root.resolve().name}: must be in a git repository that has a commit")
    if keep is not None and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise InputError(f"--keep must be a new or empty folder, found {keep}")
    folder = Path(tempfile.mkdtemp(prefix="alpha-verify-")) if keep is None else keep.resolve()
    linked = [os.path.normpath(one) for one in data if not history.related(one, ["results"])]
    # Data at ../ must stay below the folder.
    above = max((Path(one).parts.count("..") for one in linked), default=0)
    place = folder.joinpath(*["above"] * above, "checkout")
    try:
        listed = history.git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
        for name in {os.fsdecode(name) for name in listed.split(b"\0")}:
            if (root / name).is_file() and not history.related(name, linked):
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, place / name)
        for own in linked:
            link = Path(os.path.normpath(place / own))
            if not link.exists():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to((root / own).resolve())
        # DVC's cache and its own notes, neither the project's nor the user's.
        (place / ".dvc").mkdir(exist_ok=True)
        (place / ".dvc" / "config.local").write_text(
            f"[core]\nno_scm = true\nsite_cache_dir = {folder}/dvc\n"
            f"[cache]\ndir = {folder}/dvc/cache\n"
        )
        yield folder, place
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _stale(stages: "list[Stage]") -> Iterator[str]:
    """The stages that were last run with another command, other code, data or params than those
    beside them, or not on what the others left: what is rebuilt need not be what they record."""
    if not stages:
        raise InputError("dvc.yaml: must have stages")
    outs = history.made_by(stages)
    for stage in stages:
        line = f"stage {stage.name}:"
        if not all(out.hash_info for out in stage.outs):
            yield f"{line} it has not been run"
        if stage.cmd_changed:
            yield f"{line} it was run with another command than dvc.yaml's"
        for section, then, now in history.edited_params(stage):
            key, old, new = next(history.changes(then, now, section))
            how = f"{new!r}, and was {old!r}" if old is not ABSENT else "new"
            yield f"{line} params.yaml's {key} is {'gone' if new is ABSENT else how}"
        for dep in history.files(stage):
            path = dep.def_path
            if outs.get(path, dep.hash_info.value) != dep.hash_info.value:
                yield f"{line} it was run on another {path} than an earlier stage left"
            elif not history.related(path, outs) and dep.workspace_status():
                yield f"{line} {path} {'has changed since' if dep.exists else 'is missing'}"


def _rebuilt(place: Path, log: Path) -> Generator[str]:
    """Run all stages of the project in `place`; yield each name as it begins.

    What they print goes to `log`. Raises InputError with a step's last line if it fails.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {key: value for key, value in os.environ.items() if key not in _NOT_PASSED_ON}
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "dvc", "repro", "--force", "--no-commit"],
        cwd=place,
        env=environment | {"PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # so that all that a command started can be ended with it
    )
    assert process.stdout is not None
    what, last = "dvc repro", ""
    with process, log.open("w", encoding="utf-8") as printed:
        try:
            for line in process.stdout:
                printed.write(line)
                if begun := re.match(r"Running stage '(.+)':", line):
                    what, last = f"stage {begun[1]}", ""
                    yield begun[1]
                # After a step's own last line there is one of DVC.
                elif line.strip() and not (last and line.startswith("ERROR: failed to reproduce")):
                    last = "" if line.startswith("> ") else line.strip()
            if process.wait() != 0:
                raise InputError(f"{what} failed: {last or 'silently'}")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
