"""Engines: where expressions are evaluated, behind one small interface (see base)."""
