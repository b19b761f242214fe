import numpy as np
import pytest

from alpha.core import parallel
from alpha.models.baselines.linear import SumsOfProducts


def sums_of(x, target, weight, shift, *, cuts):
    sums = SumsOfProducts(shift)
    for part in zip(*(np.split(each, cuts) for each in (x, target, weight)), strict=True):
        sums.add(*part)
    return sums.sums


@pytest.mark.parametrize("rows", [1, 1023, 1024, 1025, 5000])
def test_sums_of_products_are_those_of_the_definition(rows):
    rng = np.random.default_rng(rows)
    x = (50 + rng.normal(size=(rows, 7))).astype(np.float32)
    target, weight = 3 + rng.normal(size=(rows, 2)), rng.random(rows)
    shift = np.array([50.0] * 7 + [3.0] * 2 + [0.0])
    z = np.column_stack((x, target, np.ones(rows))) - shift
    expected = z.T @ (weight[:, None] * z)
    found = sums_of(x, target, weight, shift, cuts=[])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * rows)
    in_parts = sums_of(x, target, weight, shift, cuts=[rows // 3, rows // 2])
    np.testing.assert_allclose(in_parts, expected, rtol=1e-12, atol=1e-12 * rows)


def test_one_thread_gives_the_bits_of_two(monkeypatch):
    rng = np.random.default_rng(0)
    x, target = rng.normal(size=(9000, 5)).astype(np.float32), rng.normal(size=(9000, 1))
    found = []
    for cores in (1, 2, 4):
        monkeypatch.setattr(parallel, "cores", lambda cores=cores: cores)
        found.append(sums_of(x, target, np.ones(9000), np.zeros(7), cuts=[4000]).tobytes())
    assert len(set(found)) == 1
