"""Text for people, and what the terminal shows. None, a figure that is not defined, is "–"."""

import os
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

T = TypeVar("T")

BPS = 1e-4
NOTHING = "–"
_MINUS = "−"
# A minus that can be pasted into a calculation, and what a terminal without Unicode can show.
_PLAIN = str.maketrans({"−": "-", "–": "-"})
_ASCII = str.maketrans({"±": "+/-", "τ": "tau", "→": "->"})
_COLOURS = {
    "red": ["collapsed", "no_skill", "leak_suspected"],
    "yellow": ["skill_not_actionable"],
    "green": ["actionable_on_paper"],
}
_WIDTH = 100  # where neither a terminal nor COLUMNS says otherwise


def number(value: float, digits: int = 3, *, most: float = 1e9) -> str:
    """With `digits` after the point; beyond a size of 1e9 as 1.2e+09, and beyond `most` without
    digits. A rounded nothing has no sign."""
    size = abs(value)
    text = f"{value:,.{digits if size < most else 0}f}" if size < 1e9 else f"{value:.1e}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", _MINUS, 1) if value < 0 else text


def figure(value: float | None, digits: int = 3) -> str:
    """As `number`; beyond a thousand without digits."""
    return NOTHING if value is None else number(value, digits, most=1e3)


def count(value: float | None) -> str:
    """1234567 as 1,234,567."""
    return NOTHING if value is None else f"{value:,.0f}".replace("-", _MINUS)


def brief(value: float | None) -> str:
    """A whole number as a count, another to 3 digits after the point."""
    return count(value) if value is not None and value == round(value) else figure(value)


def ends(low: float | None, high: float | None, digits: int = 3) -> str:
    """An interval as [0.052, 0.070], or nothing where there is none."""
    defined = low is not None and high is not None
    return f"[{figure(low, digits)}, {figure(high, digits)}]" if defined else ""


def share(value: float | None) -> str:
    """0.1234 as 12.3 %; what is neither none nor all never reads as 0 or 100."""
    if value is None:
        return NOTHING
    if 0 < value < 0.0005:
        return "<0.1 %"
    if 0.9995 <= value < 1:
        return ">99.9 %"
    return f"{value:.1%}".replace("%", " %").replace("-", _MINUS)


def percent(value: float) -> str:
    """0.295 as "29.5 %", and 0.05 as "5 %"; with more digits where it is small."""
    value = round(100 * value, 9)  # 100 × 0.07 is not quite 7
    size = abs(value)
    digits = 0 if size >= 100 or value == round(value) else 1 if size >= 1 else 3 - (size >= 0.1)
    return f"{number(value, digits)} %"


def bps(value: float) -> str:
    """4.25 as "4.2 bps", and 10 as "10 bps"."""
    return f"{number(value, 0 if value == round(value) else 1)} bps"


def moment(text: str) -> str:
    """An ISO 8601 moment to the second, or to the minute where seconds are zero."""
    day, _, time = text.partition("T")
    return f"{day} {time[:8].removesuffix(':00')}".rstrip()


def words(name: str) -> str:
    """A name of the file's as people read it: skill_not_actionable, rank_ic."""
    return name.replace("_", " ").replace("rank ic", "rank IC")


def some(names: Collection[str], *, most: int = 5) -> str:
    """The first `most` names, and how many more there are."""
    more = len(names) - most
    return ", ".join(list(names)[:most]) + (f" and {more:,} more" if more > 0 else "")


def one_line(text: str, *, most: int = 2000) -> str:
    """Text that may hold what files hold, as one line: control characters, terminal escapes, marks
    of direction and lone surrogates as Python writes them, and of a long one the ends."""
    if len(text) > most:
        text = f"{text[: most // 2]} … {text[-most // 2 :]}"
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return "".join(shown)


def warn(*lines: str) -> None:
    """Print lines on standard error. That it cannot be written to is no reason to fail."""
    with suppress(OSError):
        for line in lines:
            print(one_line(line), file=sys.stderr, flush=True)


def nearest(word: str, known: Iterable[str]) -> str:
    """A question to end an error with: which of `known` was meant; nothing if none is near."""
    found = get_close_matches(word, list(known), n=1)
    return f"; did you mean {found[0]}?" if found else ""


def console() -> "Console":
    """Where results are shown: colours on a terminal only, which NO_COLOR switches off."""
    from rich.console import Console

    made = Console(highlight=False, markup=False, emoji=False)
    told = made.is_terminal or os.environ.get("COLUMNS", "").isdigit()
    if not told or made.width < 1:
        made.width = _WIDTH
    return made


def fits(part: "RenderableType") -> bool:
    """Whether nothing of it has to be broken where results are shown."""
    to = console()
    wide = to.options.update(max_width=10_000)
    return to.measure(part, options=wide).maximum <= to.width


def coloured(line: str) -> "Text":
    """With the verdicts in it in their colours."""
    from rich.text import Text

    made = Text(line)
    for colour, words in _COLOURS.items():
        made.highlight_words(words, colour)
    return made


def show(parts: Iterable["RenderableType"], *, last: str = "") -> None:
    """Print `parts`, then the line `last`, which is never broken."""
    from rich.text import Text

    to = console()
    with to.capture() as captured:
        for part in parts:
            # Line by line, so that what names may hold is told from what Rich adds.
            for line in to.render_lines(part, pad=False):
                cells = [(one_line(cell.text), cell.style or "") for cell in line]
                to.print(Text.assemble(*cells), soft_wrap=True)
        if last:
            to.print(Text(f"\n{one_line(last)}"), soft_wrap=True)
    text = "".join(f"{line.rstrip()}\n" for line in captured.get().translate(_PLAIN).splitlines())
    if to.options.ascii_only:
        text = text.translate(_ASCII).encode("ascii", "replace").decode("ascii")
    # Printed here, as rich would turn a reader that went away (`| head`) into a failure.
    print(text, end="", flush=True)


def track(items: Iterable[T], what: str, *, total: int) -> Iterator[T]:
    """Yield `items`; on a terminal, a bar on standard error shows how many of `total` are done."""
    if not sys.stderr.isatty():
        yield from items
        return
    # A twentieth of a second that a step in a log does not wait for.
    from rich.console import Console
    from rich.progress import track as bar

    yield from bar(items, what, total, console=Console(stderr=True), transient=True)
