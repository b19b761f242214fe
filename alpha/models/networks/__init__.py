"""Networks: where each is, by the name that it has in params.yaml."""

MODELS = {"mlp": "mlp", "silos": "silos"}
