"""Features: what is lost without each, how they drift, and how soon what they tell fades."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from alpha.core.artifacts import read_csv
from alpha.data.contract import Contract
from alpha.evaluate.details import Details
from alpha.report import content, ladder, svg

# Lines, and rows of the table, that there is room for.
LINES, _ROWS = 8, 200
_PSI = 0.25  # by rule of thumb large
_AT_ONCE = "ic_0_late"
_SHOWN = {"psi_valid": "PSI valid", "psi_test": "PSI test", _AT_ONCE: "IC", "ic_60_late": "IC late"}


def read(audit: Path) -> pd.DataFrame:
    """The audit's figures of each feature, by name. Raises InputError, naming the file, if one is
    missing."""
    needed = "feature", *_SHOWN, "ic_by_chance"
    return read_csv(audit / "features.csv", {"feature": "str"}, needed).set_index("feature")


def table(details: Details, audited: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """What is known of each feature: the most important first."""
    lost = pd.DataFrame(
        {
            name: {one.event: one["feature_importance"].value for one in events}
            for name in content.varying(details)
            if (events := details.on(name, "valid").events("feature_importance"))
        }
    )
    titles = {"nan": "NaN", "inf": "±inf"}
    odd = content.by_feature(contract).set_index("name").rename(columns=titles)
    found = pd.concat([lost, audited[list(_SHOWN)].rename(columns=_SHOWN), odd], axis=1)
    order = lost.mean(axis=1).reindex(found.index).sort_values(ascending=False, kind="stable")
    found = found.loc[order.index[:_ROWS]].drop(columns=["family", "constant"])
    return found.astype(object).where(found.notna(), None)


def _largest(sizes: pd.Series, most: int) -> list[str]:
    return list(sizes.dropna().sort_values(ascending=False, kind="stable").index[:most])


def drift(details: Details, audited: pd.DataFrame) -> Markup | None:
    """Stability indices against train of the features that drift most, hollow on valid."""
    rows = audited[["psi_test", "psi_valid"]].set_axis(["value", "hollow"], axis=1)
    rows = rows.loc[_largest(rows.max(axis=1), ladder.MOST)].assign(low=np.nan, high=np.nan)
    title, room = "Drift of features from train", ladder.room(rows, 0.0, _PSI)
    label, line = "stability index (PSI)", (_PSI, np.nan, np.nan)
    return ladder.draw(details, "drift", title, label, rows, room, line, "feature")


def told(audited: pd.DataFrame) -> list[str]:
    """The features with the largest rank IC with the outcome."""
    return _largest(audited[_AT_ONCE].abs(), LINES)


def fading(audited: pd.DataFrame) -> Markup | None:
    """Rank IC of these with the outcome if they came so many rows later, and what has chance."""
    names, late = told(audited), audited.filter(regex=r"^ic_\d+_late$")
    if not names:
        return None

    def paint(ax: Any) -> None:
        chance = audited["ic_by_chance"][names].max()
        ax.axhspan(-chance, chance, color=svg.MUTED, alpha=0.15, linewidth=0)
        for number, name in enumerate(names):
            line: Any = {"color": svg.SERIES[number + 1], "marker": svg.MARKERS[number]}
            ax.plot(range(late.shape[1]), late.loc[name], markersize=4, **line)
        ax.axhline(0, color=svg.MUTED, linewidth=1)
        ax.set_xticks(range(late.shape[1]), [name.split("_")[1] for name in map(str, late)])

    title = "Rank IC of features with the outcome by how late they come"
    return svg.draw("fading", title, paint, xlabel="rows late", ylabel="partial rank IC")
