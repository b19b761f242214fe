"""Rank IC with scipy, average precision with scikit-learn."""

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score


def rank_ic(outcome: np.ndarray, prediction: np.ndarray) -> float:
    return float(spearmanr(outcome, prediction).statistic)


def average_precision(event: np.ndarray, score: np.ndarray) -> float:
    return float(average_precision_score(event, score))
