"""Numbers and moments as people read them. None, a figure that is not defined, is "–"."""

BPS = 1e-4
NOTHING = "–"
_MINUS = "−"


def count(value: float | None) -> str:
    """1234567 as 1,234,567."""
    return NOTHING if value is None else f"{value:,.0f}".replace("-", _MINUS)


def figure(value: float | None, digits: int = 3) -> str:
    """A number to `digits` after the point; beyond a thousand without, beyond 1e9 as 1.2e+09."""
    if value is None:
        return NOTHING
    size = abs(value)
    text = (
        f"{value:,.{digits}f}" if size < 1e3 else f"{value:,.0f}" if size < 1e9 else f"{value:.1e}"
    )
    # A rounded nothing has no sign.
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", _MINUS, 1) if value < 0 else text


def brief(value: float | None) -> str:
    """A figure of any kind: a whole number as a count, another to 3 digits after the point."""
    return count(value) if value is not None and value == round(value) else figure(value)


def share(value: float | None) -> str:
    """0.1234 as 12.3 %; what is neither none nor all never reads as 0 or 100."""
    if value is None:
        return NOTHING
    if 0 < value < 0.0005:
        return "<0.1 %"
    if 0.9995 <= value < 1:
        return ">99.9 %"
    return f"{value:.1%}".replace("%", " %").replace("-", _MINUS)


def moment(text: str) -> str:
    """An ISO 8601 moment to the second, or to the minute where seconds are zero."""
    day, _, time = text.partition("T")
    return f"{day} {time[:8].removesuffix(':00')}".rstrip()


def deviation(value: float, digits: int = 3) -> str:
    """A spread as `figure`, but exactly none is a plain 0."""
    return "0" if value == 0 else figure(value, digits)


def ends(low: float | None, high: float | None, digits: int = 3) -> str:
    """An interval as [0.052, 0.070], or nothing where there is none."""
    if low is None or high is None:
        return ""
    return f"[{figure(low, digits)}, {figure(high, digits)}]"


def words(name: str) -> str:
    """A name of the file's as people read it: skill_not_actionable, rank_ic."""
    return name.replace("_", " ").replace("rank ic", "rank IC")
