"""Pixels on demand: where they are wanted (windows), where they come from (sources), and evaluation by blocks."""
