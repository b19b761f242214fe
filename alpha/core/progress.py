"""A progress line for whatever takes longer than a moment; silent where nobody watches."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def track(items: Iterable[T], what: str, *, total: int) -> Iterator[T]:
    """Yield `items`, on a terminal with a bar on standard error; nothing shows in a log file."""
    if not sys.stderr.isatty():
        yield from items
        return
    # A twentieth of a second that a step in a log does not wait for.
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield from progress.track(items, total=total, description=what)
