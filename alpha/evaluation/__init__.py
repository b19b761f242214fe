"""Evaluation: what every run's predictions are worth on every split.

Here is nothing, so that whoever reads the figures of an evaluation (details.py) does not wait
for what makes them (run.py).
"""
