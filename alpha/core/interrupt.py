"""Ctrl-C ends in a line wherever it comes: while the package is still imported, or in a callback of
LLVM's, where Python would print a traceback and go on. Imported before all else."""

import _thread
import sys
import threading
from typing import Any

_uncaught, _unraisable = sys.excepthook, sys.unraisablehook


def _end(kind: Any, error: Any, trace: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("alpha: error: interrupted", file=sys.stderr)
    else:
        _uncaught(kind, error, trace)


def _come_later(found: Any) -> None:
    if issubclass(found.exc_type, KeyboardInterrupt):
        threading.Timer(0.1, _thread.interrupt_main).start()
    else:
        _unraisable(found)


sys.excepthook, sys.unraisablehook = _end, _come_later
