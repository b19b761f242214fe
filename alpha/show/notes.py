"""What is said of an evaluation in sentences: what its columns are, and which tries its headlines
are the best of."""

from alpha.evaluate.details import Details
from alpha.evaluate.figures import Interval
from alpha.evaluate.over_seeds import widen
from alpha.evaluate.verdict import between, takes_off
from alpha.history.tries import Tried


def sentence(details: Details, model: str, tried: Tried) -> str:
    """Why a model has its verdict, with the intervals that its table shows, too."""
    said, test = details.by_model[model].verdict.sentence, details.on(model)
    skill, tries = headline(details, model, tried)
    was, now = (takes_off(details, *of) for of in ((test["skill"], details.tries), (skill, tries)))
    hindsight, _ = headline(details, model, tried, "hindsight")
    return said.replace(was, now).replace(between(test["hindsight"]), between(hindsight))


def legend(details: Details, left_out: list[str], tried: Tried) -> list[str]:
    """What the columns are, and the sentence of the model that valid would choose."""
    tries = "" if details.tries == 1 else f", widened for {details.tries:,} tries"
    lines = [
        f"skill: the share of the {details.loss} of the best constant that a model takes off; 0 "
        f"is no better. [interval]: at {100 * details.level:g} %{tries}. hindsight: the same "
        f"against the constant that fits test, as a level that moved is no skill. improves: "
        f"whether on test it beats both constants, and the models above it in this table, of "
        f"which valid names the best."
    ]
    reasons = {
        test[name].reason or ""
        for test in map(details.on, details.models)
        if test["skill"].value is not None and test["skill"].low is None
        for name in ("intervals", "interval of skill")
    }
    lines += [f"No interval of the skill on test: {why}." for why in sorted(reasons) if why]
    if (best := details.best) is not None:
        why = sentence(details, best, tried)
        lines.append(f"Best on valid is {best}. {why} More: alpha show {best}")
    if left_out:
        lines.append(f"No room for {', '.join(left_out)}: a wider terminal has it.")
    return lines


def headline(
    details: Details, model: str, tried: Tried, name: str = "skill"
) -> tuple[Interval, int]:
    """A model's skill on test, or in hindsight, and the tries that its interval is widened for: the
    larger of evaluate.tries and what was counted, as some may have been made elsewhere."""
    skill = details.on(model)[name]
    tries = max(details.tries, tried.get(model, 1))
    low, high = widen(*skill[:3], tries=tries, level=details.level, already=details.tries)
    return skill._replace(low=low, high=high), tries


def notes(details: Details, models: list[str], tried: Tried) -> list[str]:
    """What should be known of the tries behind the headlines of `models`."""
    more, luck, lines = [], [], []
    for model in models:
        skill, tries = headline(details, model, tried)
        both = skill.least, headline(details, model, tried, "hindsight")[0].least
        more += [f"{model} {tries:,}"] if tries > details.tries else []
        # Only because of tries that evaluate.tries does not count.
        luck += [model] if details.on(model).proven and min(both) <= 0 else []
    if more:
        lines.append(
            f"Configurations evaluated on this test split: {', '.join(more)}. evaluate.tries is "
            f"smaller, {details.tries:,}: here the intervals of skill on test are widened for all "
            f"of them, but in the report and for the verdicts only for {details.tries:,}."
        )
    if luck:
        who = ", ".join(luck)
        lines.append(f"Widened so, an interval includes 0: the skill of {who} may be luck.")
    return lines
