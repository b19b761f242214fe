"""Baselines: where each is, by the name that it has in params.yaml."""

MODELS = {
    "zero": "constants.Zero",
    "mean": "constants.Mean",
    "median": "constants.Median",
    "persistence": "persistence.Persistence",
    "har": "lines.Har",
    "ridge": "lines.Ridge",
}
