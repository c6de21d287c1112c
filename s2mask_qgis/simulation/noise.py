"""Random fields with a chosen grain: the raw material of clouds, woods and soil."""

from __future__ import annotations

import numpy as np
from scipy import fft

FloatArray = np.ndarray
"""Arrays of float32."""


def random_field(
    rng: np.random.Generator,
    size_px: int,
    wavelength_px: float,
    roughness: float,
    stretch: float = 1.0,
    angle_rad: float = 0.0,
) -> FloatArray:
    """A periodic Gaussian random field (y, x) of mean 0 and standard deviation 1, float32.

    White noise is filtered in the frequency domain: the spectrum is flat for features longer than ``wavelength_px``
    and its amplitude falls with frequency to the power of -``roughness`` below (2 is ragged, 4 smooth). Features are
    ``stretch`` times longer along ``angle_rad`` (0 is to the right, growing clockwise in the image).
    """
    white = rng.standard_normal((size_px, size_px), dtype=np.float32)
    ky = fft.fftfreq(size_px).astype(np.float32)[:, None]
    kx = fft.rfftfreq(size_px).astype(np.float32)[None, :]
    along = (kx * np.cos(angle_rad) + ky * np.sin(angle_rad)) * stretch
    across = ky * np.cos(angle_rad) - kx * np.sin(angle_rad)
    gain = (1.0 + (along**2 + across**2) * wavelength_px**2) ** (-roughness / 2)
    gain[0, 0] = 0.0
    filtered = fft.irfft2(fft.rfft2(white) * gain.astype(np.float32), s=white.shape)
    return (filtered / filtered.std()).astype(np.float32)


def above_share(values: FloatArray, share: float) -> float:
    """The threshold that ``share`` (0-1) of the values exceed."""
    return float(np.quantile(values[::3, ::3], 1.0 - share))


def smooth_step(values: FloatArray, low: float, high: float) -> FloatArray:
    """0 below ``low``, 1 above ``high``, a smooth curve between (float32)."""
    position = np.clip((values - low) / (high - low), 0.0, 1.0)
    return (position * position * (3.0 - 2.0 * position)).astype(np.float32)
