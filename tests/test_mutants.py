"""Patches of tests/mutants: `make mutants` runs them; here, that they are as they must be."""

import ast
from functools import cache

import pytest
from conftest import ROOT
from mutants.__main__ import KILLED, SURVIVED, apply, copy_tree, judge, read


@cache
def ordinary_tests(path: str) -> set[str]:
    """The tests of a file that every run of the tests has."""
    functions = [
        one
        for one in ast.parse((ROOT / path).read_text(encoding="utf-8")).body
        if isinstance(one, ast.FunctionDef)
    ]
    marks = "pytest.mark.slow", "pytest.mark.workflow"
    return {
        one.name
        for one in functions
        if not any(ast.unparse(decorator) in marks for decorator in one.decorator_list)
    }


def test_every_mutant_is_a_small_patch_that_still_applies_and_names_an_ordinary_test():
    found = read()
    assert len(found) >= 60
    for mutant in found:
        assert apply(mutant, ROOT, "--check"), f"{mutant.name} does not apply"
        lines = mutant.patch.read_text(encoding="utf-8").splitlines()[5:]
        for sign in "+-":
            assert sum(line.startswith(sign) for line in lines) <= 3, mutant.name
        path, _, test = mutant.test.partition("::")
        assert test in ordinary_tests(path), f"{mutant.name} names no ordinary test: {mutant.test}"


@pytest.mark.slow
def test_a_mutant_is_killed_by_a_test_that_fails_and_survives_one_that_passes(tmp_path):
    tree = copy_tree(tmp_path / "tree")
    mutant = next(one for one in read() if one.name == "split-purge-off-by-one")
    before = (tree / "alpha/split/ranges.py").read_bytes()
    blind = mutant._replace(
        test="tests/test_split.py::test_the_embargo_drops_the_start_of_the_later_range"
    )
    missing = mutant._replace(test="tests/test_split.py::test_of_nothing")
    found = [judge(one, tree) for one in (mutant, blind, missing)]
    assert found == [KILLED, SURVIVED, "DID NOT RUN (code 4)"]
    assert (tree / "alpha/split/ranges.py").read_bytes() == before
