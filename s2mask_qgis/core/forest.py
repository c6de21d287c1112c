"""The published random forest as what it is: a table of probabilities over four binary features."""

from __future__ import annotations

from dataclasses import dataclass

FEATURES = ("percentile1", "percentile5", "tree2", "tree3")
"""The features in the order of a cell's bits, the first the highest."""


@dataclass(frozen=True)
class Table:
    """``probabilities[cell]`` is the probability of cloud of the cell whose bits are the FEATURES; 16 of them."""

    name: str
    probabilities: tuple[float, ...]


PUBLISHED_WEIGHTS = (
    (59330, 1777),
    (369, 188),
    (701, 479),
    (659, 3296),
    (13453, 1055),
    (454, 1844),
    (145, 609),
    (207, 11813),
    (1331, 58),
    (25, 17),
    (62, 10),
    (60, 253),
    (17864, 2555),
    (644, 3102),
    (225, 1240),
    (367, 67725),
)
"""Clear and cloudy weight of each cell, from the published project's training tree of 196,964 bootstrap-weighted pixels
of the database of Hollstein et al. (2016), https://doi.org/10.3390/rs8080666."""

PUBLISHED = Table("published", tuple(cloud / (clear + cloud) for clear, cloud in PUBLISHED_WEIGHTS))
