"""humble-alpha: order-book features to an evaluated alpha model, hard to fool."""

import os

__version__ = "0.1.0"

# One instruction set on every x86-64 processor with AVX2, so that an artifact's bytes do not tell
# which one made it: with AVX-512, NumPy's logarithms and orders of ties and OpenBLAS's sums are
# others. Libraries read these when they are loaded, so it happens before NumPy is imported; where
# a notebook has imported NumPy first, last bits are those of its processor. ALPHA_ANY_PROCESSOR
# leaves everything as it is, at the price of such bits. Compiled passes (Numba) need nothing: LLVM
# neither reorders sums nor fuses products into them unless asked to.
if not os.environ.get("ALPHA_ANY_PROCESSOR"):
    os.environ["NPY_DISABLE_CPU_FEATURES"] = "X86_V4 AVX512_ICL AVX512_SPR"
    os.environ["OPENBLAS_CORETYPE"] = "Haswell"
    os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX2"
