"""What was recorded, as far as it can still be looked into: DVC's cache, or results as they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from alpha.history.record.cache import Cache, files_of, md5_of
from alpha.history.record.lock import Entry, Stage


@dataclass(frozen=True)
class Original:
    """The recorded outputs of the project in `root`."""

    root: Path

    @cached_property
    def _cache(self) -> Cache:
        return Cache.at(self.root)

    def listing(self, out: str, entry: Entry) -> dict[str, str] | None:
        """The md5 of each file of the recorded folder `out`, by its name in there; None if
        neither DVC's cache nor the workspace has that folder as it was."""
        found = self._cache.listing(entry.md5)
        if found is not None:
            return found
        try:
            same = md5_of(self.root / out) == entry.md5
            return files_of(self.root / out) if same else None
        except OSError:
            return None

    def content(self, path: str, md5: str) -> Path | None:
        """A file with what was recorded at `path`; None if there is none any more."""
        for file in (self._cache.path(md5), self.root / path):
            try:
                if file.is_file() and md5_of(file) == md5:
                    return file
            except OSError:
                continue
        return None

    def read(self, path: str, stages: Mapping[str, Stage]) -> bytes | None:
        """What was in the file `path`, an output of one of `stages` or inside of one, when it was
        recorded; None if it was not, or is nowhere any more."""
        for stage in stages.values():
            for out, entry in stage.outs.items():
                if path == out:
                    md5: str | None = entry.md5
                elif path.startswith(f"{out}/"):
                    md5 = (self.listing(out, entry) or {}).get(path.removeprefix(f"{out}/"))
                else:
                    continue
                file = None if md5 is None else self.content(path, md5)
                return None if file is None else at_hand(file)
        return None


def at_hand(path: Path) -> bytes | None:
    """What is in a file; None if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None
