"""Ctrl-C or SIGTERM ends in a line wherever it comes: while the package is imported, or in a
callback of LLVM's, where Python would print a traceback and go on. And a standard stream that is
closed is a null device: else its number is the next file's, into which libraries then print.
Imported before all else."""

import os
import signal
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
        # A signal also wakes what waits.
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    else:
        _unraisable(found)


sys.excepthook, sys.unraisablehook = _end, _come_later
signal.signal(signal.SIGTERM, signal.default_int_handler)
for number in range(3):
    try:
        os.fstat(number)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # which takes the lowest number that is free
sys.stdout = sys.stdout or open(1, "w")  # noqa: SIM115
sys.stderr = sys.stderr or open(2, "w")  # noqa: SIM115
