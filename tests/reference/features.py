"""The 13 features of an image in plain numpy, given its plan: written from the description, to check the plugin."""

from __future__ import annotations

import numpy as np

from tests.reference import masking

TREES = {"tree1": masking.tree1, "tree2": masking.tree2, "tree3": masking.tree3}

Pixels = tuple[np.ndarray, np.ndarray]
"""Bands (13, y, x) in reflectance x 10000, and their validity."""


def feature(name: str, plan: dict, scenes: dict[str, Pixels]) -> tuple[np.ndarray, np.ndarray]:
    """A feature (bool) and where it is known, (y, x); ``scenes`` by system:index, ``plan`` as the report holds it."""
    image, valid = scenes[plan["image"].rpartition("/")[2]]
    if name in TREES:
        needed = {"tree1": (2, 3, 6, 8, 10, 11), "tree2": (1, 2, 5, 8, 10, 11), "tree3": (0, 1, 4, 8, 10, 11, 12)}[name]
        return TREES[name](masking.reflectances(image)), valid[list(needed)].all(axis=0)
    background = plan["backgrounds"][name]
    members = [scenes[identity.rpartition("/")[2]] for identity in background["images"]]
    stack, stack_valid = np.stack([pixels for pixels, _ in members]), np.stack([known for _, known in members])
    if background["clusters"] is None:
        medians = [masking.background_median(stack[:, band], stack_valid[:, band]) for band in range(len(image))]
        known = valid.all(axis=0) & np.logical_and.reduce([one for _, one in medians])
        difference = np.stack([image[band] - median for band, (median, _) in enumerate(medians)])
        cloudy = masking.pixelwise_cloudy(difference, image.astype(np.float64), plan["thresholds"])
        return masking.opening(cloudy, known, plan["opening_radius_px"])
    return masking.percentile(
        image, valid.all(axis=0), stack, stack_valid, background["clusters"], plan["opening_radius_px"]
    )


def most_complete(indices: list[str], scenes: dict[str, Pixels], times: dict[str, int]) -> str:
    """The image with the most pixels valid in all bands, the latest of equal ones."""
    return max(indices, key=lambda index: (int(scenes[index][1].all(axis=0).sum()), times[index]))
