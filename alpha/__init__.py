"""humble-alpha: order-book features to an evaluated alpha model, hard to fool."""

__version__ = "0.1.0"
