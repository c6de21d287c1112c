"""Splits of labelled pixels by image, never by pixel: folds for cross-validation and a part that is held out."""

from __future__ import annotations

import numpy as np

from .samples import LabelledSamples, refusal

FOLDS = 5


def image_folds(samples: LabelledSamples, folds: int = FOLDS, seed: int = 0) -> np.ndarray:
    """The fold (0, 1, ...) of each row, (n,): rows of one image share a fold, and both classes are spread evenly.

    There are ``folds`` (2 or more) of them, or one an image where there are fewer images. The same seed gives the
    same folds.
    ParameterError where the labels of either class all lie in one image, so that a training side would lack it.
    """
    count = min(folds, len(np.unique(samples.images)))
    if count < 2:
        raise refusal("all are of one image, so none is left to judge on; label a second image.")
    parts = _parts(samples, np.full(count, 1 / count), seed)
    for fold in range(count):
        training = samples.cloud[parts != fold]
        if training.all() or not training.any():
            missing = "clear" if training.all() else "cloud"
            raise refusal(
                f"all of {missing} are in one image; label {missing} in another image, so that both can be judged."
            )
    return parts


def held_out(samples: LabelledSamples, share: float = 0.3, seed: int = 0) -> np.ndarray:
    """The rows to judge on, (n,) bool: whole images that hold about ``share`` (0-1) of the labels of each class.

    Both classes occur on both sides where the images allow it; the training side always has both, else ParameterError.
    """
    if not 0 < share < 1:
        raise refusal(f"a share of {share} cannot be held out; choose one between 0 and 1.")
    if len(np.unique(samples.images)) < 2:
        raise refusal("all are of one image, so none is left to judge on; label a second image.")
    judged = _parts(samples, np.array([1 - share, share]), seed) == 1
    training = samples.cloud[~judged]
    if not judged.any() or not len(training) or training.all() or not training.any():
        raise refusal("no part of the images can be held out that leaves both classes to train on; label more images.")
    return judged


def _parts(samples: LabelledSamples, capacities: np.ndarray, seed: int) -> np.ndarray:
    """The part of each row: image by image, the largest first, to the part that stays most even in both classes.

    ``capacities`` (p,) are the shares that the parts should have. What is made small is the sum over parts and
    classes of load² / capacity, which is least where every part has its share of either class.
    """
    images, rows = np.unique(samples.images, return_inverse=True)
    loads = np.stack([np.bincount(rows, samples.weights * (samples.cloud == kind)) for kind in (False, True)], axis=1)
    loads = loads / np.maximum(loads.sum(axis=0), np.finfo(float).tiny)
    shuffled = np.random.default_rng(seed).permutation(len(images))
    order = shuffled[np.argsort(-loads[shuffled].max(axis=1), kind="stable")]
    filled = np.zeros((len(capacities), 2))
    part_of = np.zeros(len(images), np.int64)
    for image in order:
        part_of[image] = np.argmin(((2 * filled + loads[image]) * loads[image]).sum(axis=1) / capacities)
        filled[part_of[image]] += loads[image]
    return _spread(part_of, loads, capacities)[rows]


def _spread(part_of: np.ndarray, loads: np.ndarray, capacities: np.ndarray) -> np.ndarray:
    """The parts of images (i,) such that a class that several images have does not lie in one part alone.

    One image after the other is moved, such that the parts stay as even as can be; a move that helps always exists.
    """
    while _alone(part_of, loads):
        moves = [_moved(part_of, image, part) for image in range(len(loads)) for part in range(len(capacities))]
        part_of = min(moves, key=lambda move: (_alone(move, loads), _unevenness(move, loads, capacities)))
    return part_of


def _alone(part_of: np.ndarray, loads: np.ndarray) -> int:
    """How many classes several images have, but only one part."""
    holders = [part_of[load > 0] for load in loads.T]
    return sum(len(parts) > 1 and len(np.unique(parts)) == 1 for parts in holders)


def _unevenness(part_of: np.ndarray, loads: np.ndarray, capacities: np.ndarray) -> float:
    filled = np.stack([np.bincount(part_of, load, len(capacities)) for load in loads.T], axis=1)
    return float((filled**2 / capacities[:, np.newaxis]).sum())


def _moved(part_of: np.ndarray, image: int, part: int) -> np.ndarray:
    changed = part_of.copy()
    changed[image] = part
    return changed
