"""Results by what a dvc.lock says of them: from DVC's cache, or from the files at hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alpha.record.cache import Cache, md5_of
from alpha.record.lock import Stage


@dataclass(frozen=True)
class Recorded:
    """The outputs of `stages`, in the project in `root`."""

    root: Path
    stages: Mapping[str, Stage]

    def read(self, path: str) -> bytes | None:
        """What was in the file `path` when it was recorded; None if it was not, or if neither
        DVC's cache nor the workspace still has it."""
        cache = Cache.at(self.root)
        for stage in self.stages.values():
            for out, entry in stage.outs.items():
                if path == out:
                    return self._content(cache, path, entry.md5)
                if path.startswith(f"{out}/"):
                    inside = cache.listing(entry.md5)
                    if inside is not None:
                        md5 = inside.get(path.removeprefix(f"{out}/"))
                        return None if md5 is None else self._content(cache, path, md5)
                    # At hand it counts if the folder is the recorded one, down to the last byte.
                    return at_hand(self.root / path) if self._is(out, entry.md5) else None
        return None

    def _content(self, cache: Cache, path: str, md5: str) -> bytes | None:
        found = cache.read(md5)
        return at_hand(self.root / path) if found is None and self._is(path, md5) else found

    def _is(self, path: str, md5: str) -> bool:
        try:
            return md5_of(self.root / path) == md5
        except OSError:
            return False


def at_hand(path: Path) -> bytes | None:
    """What is in a file; None if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None
