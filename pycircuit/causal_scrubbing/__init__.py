"""Causal scrubbing: datasets, hypotheses, experiments, estimates (spec 13)."""
