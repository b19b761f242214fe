"""Blosc2's own functions for chunks of bytes, called in its shared library.

The Python package around that library takes a fifth of a second to import, for arrays and
servers that nobody here asks for, and copies what it compresses twice. Parameters are those of
the library's ABI of _ABI: another one is refused, not guessed at. Each thread has contexts of its
own, and Python's lock is free while the library works.
"""

import ctypes
import threading
from ctypes import c_bool, c_int, c_int16, c_int32, c_uint8, c_void_p
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

# What a compressed chunk takes at most beside its values.
OVERHEAD = 32
_ABI = 9  # of the struct types below, as in include/blosc2.h
_LZ4, _SHUFFLE, _NEVER_SPLIT = 1, 1, 2
_FILTERS = 6

_own = threading.local()


class _Compression(ctypes.Structure):
    """blosc2_cparams"""

    _fields_ = (
        ("codec", c_uint8),
        ("codec_meta", c_uint8),
        ("level", c_uint8),
        ("use_dict", c_int),
        ("typesize", c_int32),
        ("threads", c_int16),
        ("block", c_int32),
        ("split", c_int32),
        ("schunk", c_void_p),
        ("filters", c_uint8 * _FILTERS),
        ("filters_meta", c_uint8 * _FILTERS),
        ("prefilter", c_void_p),
        ("prefilter_params", c_void_p),
        ("tuner_params", c_void_p),
        ("tuner", c_int),
        ("instrumented", c_bool),
        ("codec_params", c_void_p),
        ("filter_params", c_void_p * _FILTERS),
    )


class _Decompression(ctypes.Structure):
    """blosc2_dparams"""

    _fields_ = (
        ("threads", c_int16),
        ("schunk", c_void_p),
        ("postfilter", c_void_p),
        ("postfilter_params", c_void_p),
        ("typesize", c_int32),
    )


def _load() -> Any:
    # Found without running the package.
    spec = find_spec("blosc2")
    if spec is None or spec.origin is None:
        raise ImportError("blosc2: is not installed (requirements.lock has it)")
    path = Path(spec.origin).parent / "lib" / f"libblosc2.so.{_ABI}"
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise ImportError(
            f"{path}: must be Blosc2's library of ABI {_ABI}, as that of the package in "
            f"requirements.lock: {error}"
        ) from None
    library.blosc2_create_cctx.argtypes = [_Compression]
    library.blosc2_create_dctx.argtypes = [_Decompression]
    for create in (library.blosc2_create_cctx, library.blosc2_create_dctx):
        create.restype = c_void_p
    library.blosc2_free_ctx.argtypes = [c_void_p]
    for work in (library.blosc2_compress_ctx, library.blosc2_decompress_ctx):
        work.argtypes = [c_void_p, c_void_p, c_int32, c_void_p, c_int32]
        work.restype = c_int
    library.blosc2_init()
    return library


_LIBRARY = _load()


def compress(values: np.ndarray, out: np.ndarray, *, element: int, block: int, level: int) -> int:
    """Compress the bytes `values` into `out`, OVERHEAD bytes longer, in blocks of `block` bytes:
    elements of `element` bytes, shuffled, by LZ4. Gives back how many bytes `out` then holds.

    Both are contiguous uint8. Raises ValueError if Blosc2 refuses.
    """
    context = _contexts().get((element, block, level))
    if context is None:
        params = _Compression(
            codec=_LZ4,
            level=level,
            typesize=element,
            threads=1,
            block=block,
            split=_NEVER_SPLIT,
            filters=(_SHUFFLE,),
        )
        context = c_void_p(_LIBRARY.blosc2_create_cctx(params))
        _contexts()[element, block, level] = context
    size = _LIBRARY.blosc2_compress_ctx(
        context, values.ctypes.data, values.nbytes, out.ctypes.data, out.nbytes
    )
    if size <= 0:
        raise ValueError(f"Blosc2 cannot compress {values.nbytes} bytes: its code is {size}")
    return int(size)


def decompress(chunk: np.ndarray, out: np.ndarray) -> None:
    """Fill `out` from a chunk (uint8) whose header says that it holds out.nbytes bytes.

    Raises ValueError if it is damaged.
    """
    context = _contexts().get(None)
    if context is None:
        params = _Decompression(threads=1, typesize=8)
        context = _contexts()[None] = c_void_p(_LIBRARY.blosc2_create_dctx(params))
    size = _LIBRARY.blosc2_decompress_ctx(
        context, chunk.ctypes.data, chunk.nbytes, out.ctypes.data, out.nbytes
    )
    if size != out.nbytes:
        # What is left in it is not known.
        _LIBRARY.blosc2_free_ctx(_contexts().pop(None))
        raise ValueError("Error while decompressing, check the src data and/or the dparams")


def _contexts() -> dict[Any, c_void_p]:
    if not hasattr(_own, "contexts"):
        _own.contexts = {}
    found: dict[Any, c_void_p] = _own.contexts
    return found
