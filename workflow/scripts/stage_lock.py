"""dvc.lock, one stage at a time."""

import os
import re
from typing import Any

from dvc.dvcfile import Lockfile, logger
from dvc.stage import PipelineStage
from dvc.stage.serialize import to_lockfile
from dvc.utils.serialize import dumps_yaml, loads_yaml

HEAD = "schema: '2.0'\nstages:\n"


class StageLock(Lockfile):
    """DVC's dvc.lock, of which only the lines of one stage are parsed and written.

    DVC parses and writes all of it, twice in pure Python, to change one stage: a second and more
    for forty stages. What is written here is the same to the byte. Where the file is not as DVC
    writes it, DVC's own methods are used.
    """

    def __init__(self, *args: Any, stage: str) -> None:
        super().__init__(*args)
        self.stage = stage

    def _load(self, **kwargs: Any) -> tuple[Any, str]:
        parts = self._parts()
        if parts is None:
            return super()._load(**kwargs)
        lines = parts[1]
        if not lines:
            return {"schema": "2.0", "stages": {}}, ""
        return self.validate(loads_yaml(HEAD + lines), self.relpath), HEAD + lines

    def dump_stages(self, stages: list[PipelineStage], **kwargs: Any) -> None:
        parts = self._parts()
        if parts is None or [stage.name for stage in stages] != [self.stage]:
            super().dump_stages(stages, **kwargs)
            return
        before, old, after = parts
        new = dumps_yaml({"stages": to_lockfile(stages[0], **kwargs)}).partition("\n")[2]
        if new == old:
            return
        logger.info("Updating lock file '%s'", self.relpath)
        # Whole or not at all: DVC itself would write into the file that it just emptied.
        part = os.path.join(self.repo.tmp_dir, "dvc.lock.part")
        with open(part, "w", encoding="utf-8") as file:
            file.write(before + new + after)
        os.replace(part, self.path)
        self.repo.scm_context.track_file(self.relpath)

    def _parts(self) -> tuple[str, str, str] | None:
        """The text before the stage, its own lines, and the text after it; a stage that is not
        there comes last. None if the file is not as DVC writes it, or there is none."""
        try:
            with open(self.path, encoding="utf-8", newline="") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError):
            return None
        whole = re.fullmatch(
            r"schema: '2\.0'\nstages:\n(?:  [^\s&*#].*:\n(?:(?:    .*)?\n)+)*", text
        )
        if whole is None:
            return None
        own = rf"^  {re.escape(self.stage)}:\n(?:(?:    .*)?\n)+"
        found = re.search(own, text, re.MULTILINE)
        if found is None:
            return text, "", ""
        return text[: found.start()], found.group(), text[found.end() :]
