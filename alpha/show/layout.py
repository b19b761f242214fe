"""How tables stand in the terminal, whatever its width: nothing in them is cut."""

from collections.abc import Sequence
from typing import Literal

import pandas as pd
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alpha.core import text


def section(title: str, content: RenderableType) -> Padding:
    """Content below its title, and that below an empty line."""
    return Padding(Group(Text(title, style="bold"), content), (1, 0, 0, 0))


def fitted(frame: pd.DataFrame) -> Table:
    """A grid of figures; if it is too wide with titles and intervals over several lines."""
    if text.fits(made := grid(frame)):
        return made
    tight = frame.map(lambda cell: cell.replace(", ", ",\n"))
    return grid(tight.rename(columns=lambda title: title.replace(" ", "\n")), gap=1)


def of_words(
    frame: pd.DataFrame, words: Sequence[str], give_way: Sequence[str]
) -> tuple[Table, list[str]]:
    """A grid without those columns that must `give_way`, one after the other, for it to fit; and
    which these are."""
    gone: list[str] = []
    for title in (title for title in give_way if title in frame):
        if text.fits(grid(frame, words=words)):
            break
        gone.append(title.replace("-\n", "").replace("\n", " ").strip())
        frame = frame.drop(columns=title)
    return grid(frame, words=words), gone


def grid(frame: pd.DataFrame, *, words: Sequence[str] = (), gap: int = 2) -> Table:
    """The first column is the rows' names; the others are figures, to the right. With columns of
    `words`, to the left, names are bold."""
    dim = "bold" if words else "dim"
    table = Table(box=None, header_style=dim, pad_edge=False, padding=(0, gap, 0, 0))
    for at, title in enumerate(map(str, frame)):
        left, style = not at or title in words, "bold" if words and not at else ""
        justify: Literal["left", "right"] = "left" if left else "right"
        table.add_column(title, style=style, justify=justify, overflow="fold")
    for cells in frame.itertuples(index=False):
        table.add_row(*cells)
    return table
