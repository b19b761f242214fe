from alpha.core.foreign import reading

__all__ = ["reading"]
