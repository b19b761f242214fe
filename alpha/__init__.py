"""humble-alpha: order-book features to an evaluated alpha model, hard to fool."""

from alpha.core import processor

__version__ = "0.1.0"

# Before anything imports NumPy.
processor.set_floor()
