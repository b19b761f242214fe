"""What each family is worth to a model."""

from typing import Any

from alpha.evaluate.details import Details
from alpha.report.plots.axes import color, plain
from alpha.report.svg import INK, MUTED, draw


def importance(details: Details, model: str) -> str | None:
    """Skill lost on valid when a whole family is permuted, the most important on top; the
    line is the spread over seeds."""
    found = [
        (over.mean, over.spread or 0.0, family)
        for family, over in details.by_model[model].importance.items()
        if over.mean is not None
    ]
    if not found:
        return None
    found.sort(key=lambda one: (-one[0], one[2]))

    def paint(ax: Any) -> None:
        for at, (mean, spread, _) in enumerate(found):
            ax.barh(at, mean, height=0.6, color=color(details, model), alpha=0.75, linewidth=0)
            ax.plot([mean - spread, mean + spread], [at, at], color=INK, linewidth=1.2)
        ax.axvline(0, color=MUTED, linewidth=1)
        ax.set_yticks(range(len(found)), [family for *_, family in found])
        ax.tick_params(axis="y", labelcolor=INK, labelsize=9.5)
        ax.set_ylim(len(found) - 0.4, -0.6)
        ax.grid(visible=True, axis="x")
        ax.grid(visible=False, axis="y")
        ax.set_xlabel("loss of skill on valid when permuted")
        plain(ax.xaxis, most=6)

    title = f"Loss of skill of {model} when a family is permuted"
    return draw(f"importance-{model}", title, paint, size=(4.3, 0.75 + 0.29 * len(found)))
