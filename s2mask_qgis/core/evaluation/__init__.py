"""Evaluation: how well probabilities of cloud tell labelled pixels, as counts, scores and curves."""
