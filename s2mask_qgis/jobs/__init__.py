"""Runs: what was asked (request), how it is carried out (runner) and what came of it (report)."""
