"""One instruction set on every x86-64 processor with AVX2, so that bytes do not tell which made
them.

With AVX-512, NumPy's logarithms and exponentials, OpenBLAS's sums and TensorFlow's products differ
in their last bits. Compiled passes need nothing: unless told to, LLVM neither reorders sums nor
fuses products into them. tests/test_processor.py compares this processor with an older one.
"""

import os
from pathlib import Path

# Names of NumPy's groups of features, of OpenBLAS's kernels (which AMD's processors run too), and
# of oneDNN's limit. Those that a processor or a version does not know do nothing.
FLOOR = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
}
# Set to anything, it leaves the choice to the libraries, at the price of bytes that differ.
ESCAPE = "ALPHA_ANY_PROCESSOR"


def set_floor() -> None:
    """Hold libraries that are imported from now on, here and in child processes, to AVX2.

    What was imported before stays as it is: in a notebook, import alpha first.
    """
    if not os.environ.get(ESCAPE) and _has_avx2():
        os.environ.update(FLOOR)


def _has_avx2() -> bool:
    """Whether this processor has AVX2: without it, OpenBLAS's kernels would kill the process."""
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and " avx2 " in cpuinfo.read_text()
