import numpy as np
import pytest

from alpha.models.parts.gram import gram


@pytest.mark.parametrize("rows", [1, 1023, 1024, 1025, 5000])
def test_sums_of_products_are_those_of_the_definition(rows):
    rng = np.random.default_rng(rows)
    x = (50 + rng.normal(size=(rows, 7))).astype(np.float32)
    target, weight = 3 + rng.normal(size=(rows, 2)), rng.random(rows)
    shift = np.array([50.0] * 7 + [3.0] * 2 + [0.0])
    z = np.column_stack((x, target, np.ones(rows))) - shift
    expected = z.T @ (weight[:, None] * z)
    found = gram(x, target, weight, shift)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * rows)
    assert found.tobytes() == gram(x, target, weight, shift).tobytes()
