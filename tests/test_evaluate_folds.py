"""Several folds as one evaluation: against plain numpy over the rows of every fold's own files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS_TEXT
from made_results import Results, seal, write_paths
from scipy.stats import spearmanr
from sklearn.metrics import r2_score

from alpha.check import Params, parse
from alpha.core.artifacts import write_json, write_manifest
from alpha.core.errors import InputError
from alpha.core.frames import Block, write_frame
from alpha.data.columns import SPLITS
from alpha.evaluate import details, figures
from alpha.evaluate.details import Details
from alpha.evaluate.figures import Row
from alpha.learn.losses import Objective
from alpha.learn.params import run_folder
from alpha.show import run as show

RUNS = ["mean-0", "mlp-0", "mlp-1"]
SECOND = 10**9
START_NS = 1_704_067_200 * SECOND
GROUPS, PURGED = 4, 20
Ranges = dict[str, np.ndarray]  # the rows of the market in each split


def made_params(**changes: str) -> Params:
    text = PARAMS_TEXT.replace("resamples: 2000", "resamples: 200")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return parse(text, source="params.yaml")


@dataclass(frozen=True)
class Market:
    """At irregular times, whose outcomes get louder with time: (rows,) each."""

    time_ns: np.ndarray
    driver: np.ndarray
    outcome: np.ndarray


def market(rows: int = 6000) -> Market:
    rng = np.random.default_rng(3)
    steps = rng.integers(5, 45, rows) + 3600 * (rng.random(rows) < 0.002)
    driver = rng.normal(size=rows)
    noise = np.maximum(rng.standard_t(4, size=rows) + driver, 0)
    outcome = 2e-4 * np.linspace(1, 3, rows) * noise
    return Market(START_NS + np.cumsum(steps) * SECOND, driver, outcome)


def predicted(run: str, fold: int, of: Market, train: np.ndarray) -> np.ndarray:
    """By a model of this fold and seed: folds differ, the last is the worst."""
    level = of.outcome[train].mean()
    if run.startswith("mean"):
        return np.full(len(of.outcome), level)
    noise = np.random.default_rng([int(run[-1]), fold]).normal(size=len(of.outcome))
    return level * np.exp(0.3 * of.driver + 0.1 * noise) * (3.0 if fold == 2 else 1.0)


def write(root: Path, folds: dict[int, Ranges], paths: Sequence[Sequence[tuple]]) -> Results:
    """What train, predict and split wrote of a market."""
    results, of = Results(root), market()
    for fold, ranges in folds.items():
        for run in RUNS:
            score, inside = predicted(run, fold, of, ranges["train"]), run_folder(run)
            models, predictions = (
                folder.parent / str(fold) / inside
                for folder in (results.models, results.predictions)
            )
            models.mkdir(parents=True)
            predictions.mkdir(parents=True)
            loss = 0.9 - 0.01 * fold
            lines = (
                f"epoch,train_loss,valid_loss,prediction_std\n0,1,1,1e-4\n1,{loss},{loss},1e-4\n"
            )
            (models / "history.csv").write_text(lines)
            write_json(models / "model.json", {"configuration": f"{fold}" * 64})
            if run.startswith("mlp"):
                lost = {"families": {"spread": 0.01 * fold}, "features": {}}
                write_json(models / "importance.json", lost)
            counts = {split: {"clipped": fold, "replaced": 1} for split in SPLITS}
            write_json(predictions / "inputs.json", counts)
            for split, rows in ranges.items():
                write_rows(predictions / f"{split}.h5", of, score, rows)
    write_paths(results.splits, paths)
    return seal(results)


def write_rows(path: Path, of: Market, score: np.ndarray, rows: np.ndarray) -> None:
    names = ("alpha_outcome", "prediction", "past_volatility")
    volatility = np.abs(np.sin(np.arange(len(score)))) * 1e-4
    columns = np.column_stack((of.outcome, score, volatility))[rows]
    write_frame(path, of.time_ns[rows], [Block(names, columns)], tz_aware=True)


def walk_forward() -> tuple[dict[int, Ranges], list[list[tuple]]]:
    """Three rolling folds, with something purged at every boundary; test runs from row 3000 on."""
    time_ns, folds, path = market().time_ns, {}, []
    for fold in range(3):
        start = 1000 * fold
        cuts = {"train": (start, start + 2000), "valid": (start + 2000, start + 3000)}
        cuts["test"] = (start + 3000, start + 4000)
        folds[fold] = {name: np.arange(low, high - PURGED) for name, (low, high) in cuts.items()}
        low, high = cuts["test"]
        path.append((fold, int(time_ns[low]), int(time_ns[high - 1]) + 1))
    return folds, [path]


def combinatorial() -> tuple[dict[int, Ranges], list[list[tuple]]]:
    """Six folds of four groups, two of which are test: three paths. Only where a fold's next group
    is of another split, the last rows of a group are purged."""
    of, size = market(), 1500
    bounds = [int(of.time_ns[size * at]) for at in range(GROUPS)] + [int(of.time_ns[-1]) + 1]
    folds, tested = {}, [[] for _ in range(GROUPS)]
    for fold, tests in enumerate(combinations(range(GROUPS), 2)):
        valid = max(set(range(GROUPS)) - set(tests))
        names = ["test" if at in tests else "train" for at in range(GROUPS)]
        names[valid] = "valid"
        rows = {split: [] for split in SPLITS}
        for at, name in enumerate(names):
            more = at + 1 < GROUPS and names[at + 1] == name
            rows[name].append(np.arange(size * at, size * (at + 1) - PURGED * (not more)))
        folds[fold] = {split: np.concatenate(found) for split, found in rows.items()}
        for group in tests:
            tested[group].append((fold, bounds[group], bounds[group + 1]))
    return folds, [list(path) for path in zip(*tested, strict=True)]


@pytest.fixture(scope="module")
def walked(tmp_path_factory) -> Results:
    results = write(tmp_path_factory.mktemp("walked"), *walk_forward())
    results.evaluate(made_params(), RUNS)
    return results


@pytest.fixture(scope="module")
def found(walked: Results) -> Details:
    return details.read(walked.evaluation)


@pytest.fixture(scope="module")
def combined(tmp_path_factory) -> Details:
    results = write(tmp_path_factory.mktemp("combined"), *combinatorial())
    results.evaluate(made_params(), RUNS)
    return details.read(results.evaluation)


def squares(prediction: np.ndarray | float, outcome: np.ndarray) -> np.ndarray:
    return (outcome - prediction) ** 2


def pooled(run: str, folds: dict[int, Ranges], rows: dict[int, np.ndarray]) -> pd.DataFrame:
    """Outcome, prediction, and the fold's best constant of some rows of each fold, by time."""
    of, found = market(), []
    for fold, those in rows.items():
        train = folds[fold]["train"]
        columns = {
            "time": pd.to_datetime(of.time_ns[those]),
            "outcome": of.outcome[those],
            "score": predicted(run, fold, of, train)[those],
            "constant": of.outcome[train].mean(),
            "fold": fold,
        }
        found.append(pd.DataFrame(columns, index=those))
    return pd.concat(found).sort_index()


def skill(rows: pd.DataFrame) -> float:
    own, best = (squares(rows[name], rows.outcome).sum() for name in ("score", "constant"))
    return 1 - own / best


def test_skill_on_test_is_of_all_blocks_each_against_its_folds_own_constant(found: Details):
    """By pandas, scipy and scikit-learn over the concatenated rows; in hindsight one constant."""
    folds, _ = walk_forward()
    for run in RUNS[1:]:
        rows = pooled(run, folds, {fold: of["test"] for fold, of in folds.items()})
        test = found.run(run)
        assert test["rows"].value == len(rows) == 3 * (1000 - PURGED)
        assert test["skill"].value == pytest.approx(skill(rows))
        assert test["hindsight"].value == pytest.approx(r2_score(rows.outcome, rows.score))
        ranked = spearmanr(rows.outcome, rows.score).statistic
        assert test["rank_ic"].value == pytest.approx(ranked)
        assert test["skill"].low < test["skill"].value < test["skill"].high
    assert found.run("mean-0")["skill"].value == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("split", ["train", "valid"])
def test_train_and_valid_are_the_rows_of_any_fold_predicted_by_the_last(found: Details, split: str):
    folds, _ = walk_forward()
    last = {row: fold for fold, of in folds.items() for row in of[split]}
    by_fold = {fold: np.array([row for row in last if last[row] == fold]) for fold in folds}
    rows = pooled("mlp-1", folds, by_fold)
    assert found.run("mlp-1", split)["rows"].value == len(rows) == len(last)
    assert found.run("mlp-1", split)["skill"].value == pytest.approx(skill(rows))


def test_a_day_or_a_regime_may_have_rows_of_several_folds(found: Details):
    folds, _ = walk_forward()
    rows = pooled("mlp-0", folds, {fold: of["test"] for fold, of in folds.items()})
    days = rows.groupby(rows.time.dt.strftime("%Y-%m-%d"))
    assert max(day.fold.nunique() for _, day in days) > 1
    expected = {name: skill(day) for name, day in days}
    slices = {one.name: one["skill"].value for one in found.run("mlp-0").slices("day")}
    assert slices == pytest.approx(expected)
    regimes = found.run("mlp-0").slices("regime")
    assert sum(one["rows"].value for one in regimes) == len(rows)


@pytest.mark.parametrize("loss", ["huber", "quantile", "tail_mse"])
def test_every_row_is_measured_by_the_loss_of_its_own_fold(tmp_path, loss: str):
    """Huber's delta and the tail depend on train's outcomes, so folds differ in them."""
    params = made_params(**{"name: mse": f"name: {loss}"})
    folds, paths = walk_forward()
    results = write(tmp_path, folds, paths)
    results.evaluate(params, RUNS)
    own = best = 0.0
    of = market()
    for fold, ranges in folds.items():
        objective = Objective.fit(of.outcome[ranges["train"]], params.label, params.loss)
        outcome = of.outcome[ranges["test"]]
        score = predicted("mlp-0", fold, of, ranges["train"])[ranges["test"]]
        own += objective.losses(outcome, score).sum()
        best += objective.losses(outcome, objective.constant).sum()
    expected = 1 - own / best
    assert details.read(results.evaluation).run("mlp-0")["skill"].value == pytest.approx(expected)


@pytest.mark.parametrize("fold", [0, 2])
def test_a_fold_by_itself_is_what_it_is_evaluated_alone(tmp_path, found: Details, fold: int):
    """Its figures and their intervals, to the last digit: of these params no loss, no cut and no
    bin of train is in them."""
    folds, [path] = walk_forward()
    results = write(tmp_path, {fold: folds[fold]}, [[path[fold]]])
    results.evaluate(made_params(), RUNS)
    alone = details.read(results.evaluation)
    assert alone.on("mlp").folds == []
    assert alone.on("mlp")["folds"].value is None
    of_fold = found.run("mlp-1").folds[fold]
    for name in ("rows", "loss", "skill", "hindsight", "rank_ic", "std_ratio"):
        assert of_fold[name] == alone.run("mlp-1")[name]
        assert (of_fold[name].low is None) == (name in ("rows", "std_ratio"))


def test_it_is_told_in_how_many_folds_a_skill_is_above_0(walked: Results, found: Details):
    test = found.on("mlp")
    skills = [one["skill"] for one in test.folds]
    assert [one.name for one in test.folds] == ["0", "1", "2"]
    assert skills[0].low > 0 > skills[2].high
    assert (test["folds"].value, test["folds_positive"].value) == (3, 2)
    assert test["folds_proven"].value == sum(one.low > 0 for one in skills)
    verdict = found.by_model["mlp"].verdict
    assert "Its skill is above 0 in 2 of 3 folds" in verdict.sentence
    assert verdict.figures["folds_positive"] == 2
    table = pd.read_csv(walked.evaluation / "folds" / "mlp.csv")
    assert table.fold.tolist() == [0, 1, 2]
    assert table.skill.tolist() == [one.value for one in skills]
    starts = pd.to_datetime(table.start).astype("datetime64[ns]").astype(np.int64)
    expected = market().time_ns[[3000, 4000, 5000]] // SECOND * SECOND
    assert starts.tolist() == expected.tolist()


def test_what_predicts_the_same_within_each_fold_is_a_constant(found: Details):
    """However much its level moves from fold to fold."""
    test = found.on("mean")
    quantiles = test.values("prediction_quantile")
    assert quantiles[0] < quantiles[-1]
    assert test.constant
    assert not test.proven
    verdict = found.by_model["mean"].verdict
    assert verdict.name == "collapsed"
    assert "it predicts the same for every row of a fold." in verdict.sentence
    assert not found.on("mlp").constant


def test_what_is_of_training_is_of_all_folds_but_curves_are_of_the_last(
    walked: Results, found: Details
):
    assert found.on("mlp", "valid").values("importance") == pytest.approx([0.01])
    curve = pd.read_csv(walked.evaluation / "learning_curves" / "mlp-1.csv")
    assert curve.valid_loss.tolist() == [1.0, 0.88]
    assert found.run("mlp-0")["clipped"].value == 0 + 1 + 2
    assert found.run("mlp-0")["replaced"].value == 3
    assert found.by_model["mlp"].configuration == found.by_model["mean"].configuration


def path_rows(folds: dict[int, Ranges], path: Sequence[tuple], kept: set[int]) -> dict:
    """Of the blocks of one path the rows that every path has."""
    time_ns, rows = market().time_ns, {}
    for fold, start, end in path:
        of = folds[fold]["test"]
        those = of[(time_ns[of] >= start) & (time_ns[of] < end)]
        rows[fold] = np.append(rows.get(fold, np.zeros(0, int)), sorted(kept & set(those)))
    return rows


def test_figures_over_paths_are_their_means(combined: Details):
    """Over seeds and paths; each path has all of test, and every path the same rows."""
    folds, paths = combinatorial()
    assert combined.paths == 3
    assert len(combined.starts) == GROUPS
    every = [
        set(np.concatenate([*path_rows(folds, path, set(range(6000))).values()])) for path in paths
    ]
    kept = set.intersection(*every)
    assert len(kept) == 6000 - GROUPS * PURGED
    skills = {}
    for run in RUNS[1:]:
        for at, path in enumerate(paths):
            skills[int(run[-1]), at] = skill(pooled(run, folds, path_rows(folds, path, kept)))
    table = combined.figures.table
    rows = table[(table.model == "mlp") & (table.split == "test") & (table.slice == "")]
    of_skill = rows[rows.figure == "skill"]
    by_run = of_skill[of_skill.seed.notna()].set_index(["seed", "fold"])["value"].to_dict()
    assert by_run == pytest.approx(skills)
    test = combined.on("mlp")
    assert test["skill"].value == pytest.approx(np.mean(list(skills.values())))
    assert test["skill_spread"].value == pytest.approx(np.std(list(skills.values()), ddof=1))
    assert test["skill_seeds"].value == 6
    assert test["skill"].low < test["skill"].value < test["skill"].high
    assert [one.name for one in test.folds] == ["0", "1", "2", "3"]
    assert "block 0" in set(table.slice)
    assert combined.on("mlp", "valid")["skill_seeds"].value == 2


def test_a_block_of_several_paths_has_the_mean_of_theirs(combined: Details):
    folds, paths = combinatorial()
    low, high = 1500, 3000 - PURGED
    skills = []
    for run in RUNS[1:]:
        for path in paths:
            rows = {path[1][0]: np.arange(low, high)}
            skills.append(skill(pooled(run, folds, rows)))
    [_, block, *_] = combined.on("mlp").folds
    assert block["rows"].value == high - low
    assert block["skill"].value == pytest.approx(np.mean(skills))


def dropped_row(results: Results) -> None:
    path = results.predictions.parent / "1" / "mlp" / "1" / "test.h5"
    write_rows(path, market(), np.ones(6000), np.arange(4000, 4000 + 900))
    seal(results)


def other_times(results: Results) -> None:
    path = results.predictions.parent / "1" / "mlp" / "1" / "valid.h5"
    write_rows(path, market(), np.ones(6000), np.arange(3001, 3001 + 980))
    seal(results)


def gone(results: Results) -> None:
    (results.predictions.parent / "2" / "baselines" / "mean" / "train.h5").unlink()


def no_rows(results: Results) -> None:
    write_paths(results.splits, [[(0, 5, 6), (1, 6, 2**62)]])


def no_blocks(results: Results) -> None:
    write_paths(results.splits, [[]])


@pytest.mark.parametrize(
    ("broken", "where", "message"),
    [
        (dropped_row, "predictions/1/mlp/1/test.h5", "must have 980 rows, found 900"),
        (other_times, "predictions/1/mlp/1/valid.h5", "must hold the same times and outcomes as"),
        (gone, "predictions/2/baselines/mean/train.h5", ""),
        (no_rows, "predictions/0/baselines/mean/test.h5", "must have rows from 1970-01-01T00:00"),
        (no_blocks, "split/paths.json", "paths.0: list should have at least 1 item"),
    ],
)
def test_folds_that_do_not_belong_together_are_refused_in_a_line(
    tmp_path, broken: Callable[[Results], None], where: str, message: str
):
    results = write(tmp_path, *walk_forward())
    broken(results)
    with pytest.raises(InputError) as refused:
        results.evaluate(made_params(), RUNS)
    line = str(refused.value)
    assert where in line
    assert message in line
    assert "\n" not in line


def test_figures_of_trading_join_the_table(tmp_path):
    folds, [path] = walk_forward()
    results = write(tmp_path, {0: folds[0]}, [[path[0]]])
    (tmp_path / "trade").mkdir()
    rows = [Row(model="mlp", split="test", figure="sharpe", value=1.5, low=0.5, high=2.5)]
    figures.write(tmp_path / "trade" / "figures.csv", figures.table(rows))
    write_manifest(tmp_path / "trade" / "made_from.json", {"predictions": None})
    results.evaluate(made_params(), RUNS, trade=tmp_path / "trade")
    evaluated = details.read(results.evaluation)
    assert evaluated.on("mlp")["sharpe"][:3] == (1.5, 0.5, 2.5)
    assert evaluated.on("mlp")["skill"].value is not None


def test_a_dashboard_lists_the_folds_with_their_intervals(walked: Results, tmp_path, capsys):
    folders = {name: tmp_path / name for name in ("guard", "audit", "report")}
    show.run(evaluation=walked.evaluation, model="mlp", tried={"mlp": 1}, **folders)
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("Folds of test")
    assert lines[at + 1].split() == ["fold", "skill", "[interval]", "rank", "IC", "[interval]"]
    assert [line.split()[0] for line in lines[at + 2 : at + 5]] == ["0", "1", "2"]
    show.run(evaluation=walked.evaluation, model="mean", tried={"mean": 1}, **folders)
    assert "Its skill is above 0 in" in capsys.readouterr().out
