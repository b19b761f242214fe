"""A progress line for whatever takes longer than a moment; silent where nobody watches."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def track(items: Iterable[T], what: str, *, total: int) -> Iterator[T]:
    """Yield `items`, showing `what` and how many of `total` are done on standard error.

    On a terminal it is a bar; elsewhere (a log file) nothing is printed.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    # A twentieth of a second that a step in a log does not wait for.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        for item in items:
            yield item
            progress.advance(task)
