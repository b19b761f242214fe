"""Trees: where each is, by the name that it has in params.yaml."""

MODELS = {"lightgbm": "lightgbm.Trees"}
