"""Figures in the sentences of verdicts and of the ladder."""

_MINUS = "−"


def percent(share: float) -> str:
    """0.295 as "29.5 %", and 0.05 as "5 %"; with more digits where it is small."""
    # Without what 100 × 0.07 is off from 7.
    value = round(100 * share, 9)
    size = abs(value)
    whole = size >= 100 or value == round(value)
    digits = 0 if whole else 1 if size >= 1 else 2 if size >= 0.1 else 3
    return f"{number(value, digits)} %"


def bps(value: float) -> str:
    """4.25 as "4.2 bps", and 10 as "10 bps"."""
    return f"{number(value, 0 if value == round(value) else 1)} bps"


def number(value: float, digits: int = 3) -> str:
    """With `digits` after the point; beyond 1e9 as 1.2e+09. A rounded nothing has no sign."""
    text = f"{value:,.{digits}f}" if abs(value) < 1e9 else f"{value:.1e}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", _MINUS, 1) if value < 0 else text
