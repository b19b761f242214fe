"""humble-alpha: order-book features to an evaluated alpha model, hard to fool."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

# One instruction set on every x86-64 processor with AVX2, so that bytes do not tell which made
# them: with AVX-512, NumPy's logarithms and exponentials, OpenBLAS's sums and TensorFlow's products
# differ in their last bits. Compiled passes need nothing: unless told to, LLVM neither reorders
# sums nor fuses products into them. And one thread of OpenBLAS: their number decides the order of
# a sum, and Snakemake starts steps with another than DVC. Names of NumPy's groups of features, of
# OpenBLAS's kernels (which AMD's processors run too), and of oneDNN's limit; unknown ones do
# nothing.
FLOOR = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
}
# Set to anything, it leaves the choice to the libraries, at the price of bytes that differ.
ESCAPE = "ALPHA_ANY_PROCESSOR"


def set_floor() -> None:
    """Hold libraries that are imported from now on, here and in child processes, to AVX2."""
    if not os.environ.get(ESCAPE) and _has_avx2():
        os.environ.update(FLOOR)


def _has_avx2() -> bool:
    """Whether this processor has AVX2: without it, OpenBLAS's kernels would kill the process."""
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and " avx2 " in cpuinfo.read_text()


def set_homes() -> None:
    """Where HOME cannot be written, let libraries keep settings, and what they compile where the
    code's folder cannot be either, in a temporary one of this user alone: Numba's are pickles."""
    names = {"MPLCONFIGDIR", "KERAS_HOME"}
    if not os.access(Path(__file__).parent, os.W_OK):
        names.add("NUMBA_CACHE_DIR")
    if os.access(os.path.expanduser("~"), os.W_OK) or not (names := names - os.environ.keys()):
        return
    import tempfile

    own = Path(tempfile.gettempdir(), f"humble-alpha-{os.getuid()}")
    with suppress(FileExistsError):
        own.mkdir(mode=0o700)
    if (found := own.lstat()).st_uid != os.getuid() or found.st_mode & 0o777 != 0o700:
        own = Path(tempfile.mkdtemp())
    os.environ.update(dict.fromkeys(names, str(own)))


# Before anything imports NumPy: in a notebook, import alpha first.
set_floor()
set_homes()


def __getattr__(name: str) -> Any:
    """`alpha.Scorer`, with all that it imports once it is asked for."""
    if name != "Scorer":
        raise AttributeError(f"module 'alpha' has no attribute {name!r}")
    from alpha.score.scorer import Scorer

    return Scorer
