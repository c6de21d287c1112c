"""The cloud mask in plain numpy, written from the description of the algorithm and used to check the plugin.

Images are (y, x) arrays, validity is a bool array of the same shape. Trees take reflectance (0-1) by band name;
everything else takes reflectance x 10000. Nothing is written for speed.
"""

from __future__ import annotations

import numpy as np

BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
VISIBLE = [3, 2, 1]  # B4, B3, B2 in BANDS

# Clear and cloud weights of the forest's cells, in the order of the bits percentile1 percentile5 tree2 tree3.
CELLS = {
    "0000": (59330, 1777),
    "0001": (369, 188),
    "0010": (701, 479),
    "0011": (659, 3296),
    "0100": (13453, 1055),
    "0101": (454, 1844),
    "0110": (145, 609),
    "0111": (207, 11813),
    "1000": (1331, 58),
    "1001": (25, 17),
    "1010": (62, 10),
    "1011": (60, 253),
    "1100": (17864, 2555),
    "1101": (644, 3102),
    "1110": (225, 1240),
    "1111": (367, 67725),
}


def quotient(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below, 0 where below is 0, as Earth Engine divides."""
    result = np.zeros(np.broadcast(above, below).shape)
    np.divide(above, below, out=result, where=below != 0)
    return result


def tree1(r: dict[str, np.ndarray]) -> np.ndarray:
    dark = (r["B3"] < 0.325) & (r["B8A"] < 0.166) & (r["B10"] > 0.011)
    bright = r["B3"] > 0.325
    no_snow = bright & (r["B11"] < 0.267) & (r["B4"] < 0.674)
    return dark | no_snow | (bright & (r["B11"] > 0.267) & (r["B7"] < 1.544))


def tree2(r: dict[str, np.ndarray]) -> np.ndarray:
    land = r["B8A"] > 0.156
    dark = land & (r["B3"] < 0.333) & (quotient(r["B10"], r["B2"]) > 0.065)
    return dark | (land & (r["B3"] > 0.333) & (quotient(r["B6"], r["B11"]) < 4.292))


def tree3(r: dict[str, np.ndarray]) -> np.ndarray:
    water = (r["B8A"] > 0.051) & (r["B8A"] < 0.181) & (r["B12"] < 0.097) & (r["B10"] > 0.011)
    land = r["B8A"] > 0.181
    dim, bright = land & (r["B1"] < 0.331), land & (r["B1"] > 0.331)
    return (
        water
        | (dim & (r["B10"] < 0.012) & (r["B2"] > 0.271))
        | (dim & (r["B10"] > 0.012))
        | (bright & (r["B11"] < 0.239) & (r["B2"] < 0.711))
        | (bright & (r["B11"] > 0.239) & (r["B5"] < 1.393))
    )


def reflectances(image: np.ndarray) -> dict[str, np.ndarray]:
    """Reflectance (0-1) by band name of an image (13, y, x) in reflectance x 10000."""
    return {band: image[number].astype(np.float64) / 10000 for number, band in enumerate(BANDS)}


def background_median(stack: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median over time of one band, (t, y, x) with its validity: (y, x) values, nan where there is none, and validity.

    An even number of values has the mean of the middle two as its median.
    """
    times, rows, columns = stack.shape
    result = np.full((rows, columns), np.nan)
    for row in range(rows):
        for column in range(columns):
            values = sorted(float(stack[t, row, column]) for t in range(times) if valid[t, row, column])
            if values:
                middle = len(values) // 2
                result[row, column] = values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
    return result, ~np.isnan(result)


def nearest_centre_cloudy(
    difference: np.ndarray, mean: np.ndarray, std: np.ndarray, centres: np.ndarray, cloudy: np.ndarray
) -> np.ndarray:
    """Whether the cluster with the nearest centre is cloudy, (y, x), of a difference (13, y, x)."""
    scaled = (difference.astype(np.float64) - np.asarray(mean)[:, None, None]) / np.asarray(std)[:, None, None]
    squared = [((scaled - np.asarray(centre)[:, None, None]) ** 2).sum(axis=0) for centre in centres]
    return np.asarray(cloudy)[np.argmin(squared, axis=0)]


def pixelwise_cloudy(difference: np.ndarray, image: np.ndarray, thresholds: str) -> np.ndarray:
    """The scores of every pixel for itself, (y, x), of a difference and an image (13, y, x)."""
    brighter, visible = difference[VISIBLE], image[VISIBLE] / 10000
    if thresholds == "as trained":
        return brighter.mean(axis=0) > 0
    multitemporal = np.sign(brighter.mean(axis=0)) * np.sqrt(((brighter / 10000) ** 2).mean(axis=0))
    return (multitemporal > 0.04) & (np.sqrt((visible**2).mean(axis=0)) > 0.175)


def opening(binary: np.ndarray, valid: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """Minimum, then maximum over a circle of ``radius`` pixels; pixels outside the image or invalid are ignored."""
    eroded = _circle(binary.astype(bool), valid, radius, np.all)
    return _circle(eroded, valid, radius, np.any) & valid, valid


def _circle(binary: np.ndarray, valid: np.ndarray, radius: int, decide: object) -> np.ndarray:
    rows, columns = binary.shape
    result = np.zeros_like(binary)
    reach = range(-radius, radius + 1)
    offsets = [(dy, dx) for dy in reach for dx in reach if dy * dy + dx * dx <= radius * radius]
    for row, column in np.argwhere(valid):
        around = [(row + dy, column + dx) for dy, dx in offsets]
        values = [binary[y, x] for y, x in around if 0 <= y < rows and 0 <= x < columns and valid[y, x]]
        result[row, column] = decide(values)
    return result


def probability(p1: np.ndarray, p5: np.ndarray, t2: np.ndarray, t3: np.ndarray) -> np.ndarray:
    """Cloud probability (0-1) of the four binary features."""
    result = np.zeros(p1.shape)
    for bits, (clear, cloud) in CELLS.items():
        wanted = [bit == "1" for bit in bits]
        cell = (p1 == wanted[0]) & (p5 == wanted[1]) & (t2 == wanted[2]) & (t3 == wanted[3])
        result[cell] = cloud / (clear + cloud)
    return result


def percentile(
    image: np.ndarray, valid: np.ndarray, stack: np.ndarray, stack_valid: np.ndarray, clusters: dict, radius: int
) -> tuple[np.ndarray, np.ndarray]:
    """A percentile feature after the opening, and its validity.

    ``image`` (13, y, x) and ``stack`` (t, 13, y, x) with validities (y, x) and (t, 13, y, x): the bands of one image
    may end at different pixels. ``clusters`` holds mean, std, centres and cloudy.
    """
    medians = [background_median(stack[:, band], stack_valid[:, band]) for band in range(len(BANDS))]
    both = valid & np.logical_and.reduce([known for _, known in medians])
    difference = np.stack([image[band] - median for band, (median, _) in enumerate(medians)])
    return opening(nearest_centre_cloudy(difference, **clusters), both, radius)


def mask(
    image: np.ndarray,
    valid: np.ndarray,
    stacks: list[tuple[np.ndarray, np.ndarray]],
    clusters: list[dict],
    cutoff: float,
    radius: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cloud (bool), probability and validity (y, x) of an image (13, y, x).

    ``stacks`` and ``clusters`` are those of percentile1 and percentile5, as :func:`percentile` takes them.
    """
    (p1, valid1), (p5, valid5) = (
        percentile(image, valid, stack, stack_valid, found, radius)
        for (stack, stack_valid), found in zip(stacks, clusters, strict=True)
    )
    r = reflectances(image)
    chance = probability(p1, p5, tree2(r), tree3(r))
    return chance > cutoff, chance, valid & valid1 & valid5


def ndvi(image: np.ndarray, valid: np.ndarray, cloud: np.ndarray) -> np.ndarray:
    """(B8 - B4) / (B8 + B4) of an image (13, y, x) where it is valid, not cloud and the sum is not 0, else nan."""
    red, near_infrared = image[3].astype(np.float64), image[7].astype(np.float64)
    total = near_infrared + red
    return np.where(valid & ~cloud & (total != 0), quotient(near_infrared - red, total), np.nan)
