"""Masks images by s2cloudless: runs in the peers' environment, on what accuracy_peers.py has written."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from s2cloudless import S2PixelCloudDetector

UNDECIDED = 255
THRESHOLD = 0.4


def mask(path: Path) -> None:
    """Write the mask of an image beside its pixels: 0, 1, or UNDECIDED where a band has no value."""
    with np.load(path) as given:
        pixels = given["pixels"]
        average_over, dilation = int(given["average_over"]), int(given["dilation"])
    known = np.isfinite(pixels).all(axis=0)
    image = np.moveaxis(np.nan_to_num(pixels), 0, -1)[None].astype(np.float32)
    detector = S2PixelCloudDetector(
        threshold=THRESHOLD, average_over=average_over, dilation_size=dilation, all_bands=True
    )
    found = detector.get_cloud_masks(image)[0]
    np.save(path.with_suffix(".npy"), np.where(known, found, UNDECIDED).astype(np.uint8))


if __name__ == "__main__":
    for given_path in sorted(Path(sys.argv[1]).glob("*.npz")):
        mask(given_path)
