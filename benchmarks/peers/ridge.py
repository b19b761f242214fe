"""Ridge regression with scikit-learn, on an array in memory."""

import numpy as np
from sklearn.linear_model import Ridge


def fit(x: np.ndarray, y: np.ndarray, penalty: float) -> tuple[float, np.ndarray]:
    """Intercept and weights."""
    model = Ridge(alpha=penalty).fit(x, y)
    return float(model.intercept_), model.coef_
