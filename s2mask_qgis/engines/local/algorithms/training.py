"""Training data: numeric properties of features as a table, and its columns as bands of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..raster.sources import Source
from ..values import CollectionValue, ComputeError, ImageValue
from .conversions import is_number


@dataclass(frozen=True)
class TrainingTable:
    """Values (rows, columns) of the features' properties ``names``, and the class of each row where there are any."""

    names: tuple[str, ...]
    values: np.ndarray
    classes: np.ndarray


def training_table(
    collection: CollectionValue, names: Sequence[str] | None, class_name: str | None, share: float, seed: int
) -> TrainingTable:
    """The features' properties as numbers, features with a null among them left out; ``share`` below 1 keeps a random
    choice. Names left out are those of the bands that were sampled. ComputeError where that leaves nothing."""
    if names is None:
        names = collection.properties.get("band_order")
        if names is None:
            raise ComputeError("inputProperties is needed where the features do not come from Image.sample")
        names = [name for name in names if name != class_name]
    if not names or not all(isinstance(name, str) for name in names):
        raise ComputeError("inputProperties is a list of one text or more")
    if not 0 < share <= 1:
        raise ComputeError(f"subsampling must be above 0 and at most 1, not {share}")
    wanted = [*names, *([class_name] if class_name is not None else [])]
    rows = [[element.properties.get(name) for name in wanted] for element in collection.elements]
    rows = [row for row in rows if all(value is not None for value in row)]
    wrong = next((value for row in rows for value in row if not is_number(value)), None)
    if wrong is not None:
        raise ComputeError(f"training needs numbers, not {wrong!r}")
    table = np.array(rows, np.float64).reshape(len(rows), len(wanted))
    if share < 1:
        random = np.random.default_rng(seed)
        table = table[np.sort(random.choice(len(table), max(1, round(share * len(table))), replace=False))]
    if not len(table):
        raise ComputeError("there is no feature to train on: no feature has all of the properties")
    count = len(names)
    return TrainingTable(tuple(names), table[:, :count], table[:, count] if class_name is not None else table[:, :0])


def inputs_of(image: ImageValue, names: Sequence[str]) -> list[Source]:
    """The bands that a trained algorithm needs, by name. ComputeError naming one that is missing."""
    sources = {band.name: band.source for band in image.bands}
    missing = next((name for name in names if name not in sources), None)
    if missing is not None:
        raise ComputeError(f"the image has no band {missing!r}; it was trained with {', '.join(names)}")
    return [sources[name] for name in names]
