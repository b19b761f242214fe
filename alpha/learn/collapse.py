"""Collapse: predictions that hardly leave the train mean, however good their loss looks."""

# A definition rather than a knob, so that the figures of any two runs can be compared.
NEAR_MEAN_SIGMAS = 0.01


def hair(sigma: float) -> float:
    """How far from the train mean a prediction still counts as near it, in the outcome's unit.

    `sigma` is the standard deviation of the train outcome.
    """
    return NEAR_MEAN_SIGMAS * sigma
