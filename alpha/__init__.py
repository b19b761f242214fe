"""humble-alpha: order-book features to an evaluated alpha model, hard to fool."""

import os
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE
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
    """Where nothing can be written beside the code or in HOME, as in a container, let libraries
    keep what they compile, and their settings, in a temporary folder: one of this user's alone, as
    Numba's files are pickles."""
    home = os.access(os.path.expanduser("~"), os.W_OK)
    code = home or os.access(Path(__file__).parent, os.W_OK)
    there = {"MPLCONFIGDIR": home, "KERAS_HOME": home, "NUMBA_CACHE_DIR": code}
    names = [name for name in there if not there[name] and name not in os.environ]
    if not names:
        return
    import tempfile

    own = Path(tempfile.gettempdir(), f"humble-alpha-{os.getuid()}")
    with suppress(FileExistsError):
        own.mkdir(mode=0o700)
    found = own.lstat()
    if found.st_uid != os.getuid() or S_IMODE(found.st_mode) != 0o700:
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
