"""alpha trade"""

from typing import Annotated, Any, Literal

from pydantic import Field

from alpha.core.cli import Arguments, Option
from alpha.core.params import Count, Name, NonNegative, Seconds, Section
from alpha.data.params import Data, Label
from alpha.evaluate.params import Evaluate
from alpha.learn.params import LADDER, runs

SUMMARY = "what every run's signal earns at prices that could be had, after latency and fees"
OPTIONS = [
    Option("--features", "folder of feature files, with the quotes that are traded at"),
    Option("--splits", "folder that `alpha split` wrote, with paths.json"),
    Option("--predictions", "folder with a folder for each fold and run, by `alpha predict`"),
    Option("--out", "folder for figures.csv, equity/ and trades/"),
]


class Trade(Section):
    latency_ms: NonNegative
    entry: Literal["taker", "maker"]
    quantiles: Annotated[tuple[Annotated[float, Field(ge=0, lt=1)], ...], Field(min_length=1)]
    least_trades: Count
    period_seconds: Seconds
    sizes: tuple[Name, Name] | None


SECTIONS = {"data": Data, "label": Label, "evaluate": Evaluate, "trade": Trade} | LADDER


def command(params: Any, args: Arguments) -> None:
    from alpha.trade.run import run

    run(params, runs(params), args)
