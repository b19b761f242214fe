"""Ctrl-C ends in one line wherever it comes: while the package is still imported, or in a callback
of a library, where Python would print a traceback and go on. Imported before anything else."""

import _thread
import sys
from typing import Any

_others, _unraisable = sys.excepthook, sys.unraisablehook


def _uncaught(kind: Any, error: Any, trace: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("alpha: error: interrupted", file=sys.stderr)
    else:
        _others(kind, error, trace)


def _swallowed(found: Any) -> None:
    if issubclass(found.exc_type, KeyboardInterrupt):
        _thread.interrupt_main()
    else:
        _unraisable(found)


sys.excepthook, sys.unraisablehook = _uncaught, _swallowed
