"""A process that lives through several calls: TensorFlow's settings hold for a whole process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

from benchmarks.steps import ENVIRONMENT, ROOT


class Worker:
    """`python -m MODULE ARGUMENTS...`, which must end in `serve`; a call is a line of JSON."""

    def __init__(self, module: str, *arguments: object) -> None:
        words = [sys.executable, "-m", module, *map(str, arguments)]
        self._process = subprocess.Popen(
            words,
            cwd=ROOT,
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, **asked: Any) -> dict[str, Any]:
        """Raises RuntimeError if the process ends instead of answering."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args}: ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._process.kill()
        # At the end of its input it ends by itself.
        self._process.communicate()


def serve(answer: Callable[..., dict[str, Any]]) -> None:
    """Answer each line of standard input with a line; what else is printed goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), file=answers, flush=True)
