"""alpha check"""

from collections.abc import Sequence

from alpha.commands import Arguments, Option
from alpha.params import Params

SUMMARY = "check params.yaml and the folder of feature files; change nothing"
OPTIONS: Sequence[Option] = []


def run(params: Params, args: Arguments) -> None:
    from alpha import check

    check.run(params)
