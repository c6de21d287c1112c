"""Seasons: phenology and productivity of every pixel from its filled curve, a year and between years."""
