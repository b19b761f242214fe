"""Text on standard output: with colours on a terminal, plain elsewhere."""

from collections.abc import Iterable

from rich.console import Console, RenderableType

# A minus that can be pasted into a calculation, and what a terminal without Unicode can show.
_PLAIN = str.maketrans({"−": "-", "–": "-"})
_ASCII = {"±": "+/-", "τ": "tau", "→": "->"}
_WIDTH = 100  # where no terminal says otherwise


def show(parts: Iterable[RenderableType], *, last: str = "") -> None:
    """Print `parts` from top to bottom, then the line `last`, which is never broken."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDTH
    with console.capture() as captured:
        for part in parts:
            console.print(part)
        if last:
            console.print(last, soft_wrap=True)
    text = "".join(f"{line.rstrip()}\n" for line in captured.get().translate(_PLAIN).splitlines())
    if console.options.ascii_only:
        for sign, plain in _ASCII.items():
            text = text.replace(sign, plain)
        text = text.encode("ascii", "replace").decode("ascii")
    # Printed here, as rich would turn a reader that went away (`| head`) into a failure.
    print(text, end="", flush=True)
