"""TensorFlow, set to be reproducible, and arrays as it takes them."""

import os
import sys
from functools import cache
from typing import Any

import numpy as np

from alpha.learn.known import ALIGNED

# Keras loads these where they are installed, for what is not used here: a third of its start. So it
# is told that they are not.
_NOT_NEEDED = ("matplotlib", "pandas", "scipy", "sklearn")


@cache
def tensorflow() -> Any:
    """Import TensorFlow, set to give the same bits on one machine whatever its core count."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its messages are about GPUs
    loaded: dict[str, Any] = sys.modules
    hidden = [name for name in _NOT_NEEDED if name not in loaded]
    loaded.update(dict.fromkeys(hidden))  # None is what cannot be imported
    try:
        import tensorflow as tf
    finally:
        for name in hidden:
            del loaded[name]

    # Seeds run side by side as processes of one thread each, unless train.threads says more.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    return tf


def tensor(values: np.ndarray) -> Any:
    """`values` as TensorFlow sees them, not copied if they start as it wants
    (alpha.learn.dataset.aligned): then they must not change while it looks at them."""
    starts = values.size > 0 and values.ctypes.data % ALIGNED == 0
    # NumPy hands out nothing read-only.
    if not (starts and values.flags.carray and values.dtype == np.float32):
        return tensorflow().constant(values)
    return tensorflow().experimental.dlpack.from_dlpack(values.__dlpack__())
