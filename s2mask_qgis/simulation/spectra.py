"""Reflectance of plain surfaces and of clouds in the 13 bands, and what the air adds and takes.

The numbers are rounded typical values, chosen so that clear and cloudy pixels lie where real Level-1C pixels do.
"""

from __future__ import annotations

import numpy as np

from ..core.scenes import BANDS

SCALE_M = dict(zip(BANDS, (60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 60, 20, 20)))
"""Native pixel size of each band in metres."""


def _spectrum(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


# Surface reflectance (0-1):    B1    B2    B3    B4    B5    B6    B7    B8    B8A   B9    B10   B11   B12
CROP = _spectrum(0.020, 0.028, 0.060, 0.026, 0.095, 0.350, 0.450, 0.470, 0.490, 0.49, 0.35, 0.200, 0.090)
STRAW = _spectrum(0.080, 0.105, 0.155, 0.205, 0.240, 0.270, 0.290, 0.310, 0.330, 0.34, 0.33, 0.370, 0.280)
SOIL = _spectrum(0.055, 0.075, 0.102, 0.135, 0.158, 0.175, 0.192, 0.208, 0.225, 0.24, 0.26, 0.295, 0.255)
BLOSSOM = _spectrum(0.030, 0.035, 0.175, 0.165, 0.230, 0.380, 0.450, 0.480, 0.500, 0.50, 0.36, 0.220, 0.110)
LEAVES = _spectrum(0.014, 0.019, 0.043, 0.020, 0.068, 0.250, 0.330, 0.345, 0.365, 0.37, 0.25, 0.160, 0.070)
AUTUMN_LEAVES = _spectrum(0.024, 0.031, 0.062, 0.085, 0.140, 0.230, 0.270, 0.285, 0.300, 0.30, 0.25, 0.210, 0.120)
BARE_TREES = _spectrum(0.030, 0.038, 0.052, 0.066, 0.088, 0.120, 0.138, 0.152, 0.172, 0.18, 0.18, 0.180, 0.120)
NEEDLES = _spectrum(0.011, 0.015, 0.030, 0.018, 0.045, 0.130, 0.168, 0.178, 0.190, 0.19, 0.13, 0.090, 0.042)
WATER = _spectrum(0.028, 0.034, 0.042, 0.026, 0.020, 0.013, 0.012, 0.011, 0.010, 0.01, 0.01, 0.005, 0.004)
TILES = _spectrum(0.060, 0.072, 0.105, 0.175, 0.200, 0.215, 0.228, 0.238, 0.252, 0.26, 0.28, 0.320, 0.290)
METAL = _spectrum(0.240, 0.290, 0.320, 0.345, 0.360, 0.372, 0.382, 0.390, 0.405, 0.41, 0.41, 0.420, 0.390)
ASPHALT = _spectrum(0.075, 0.090, 0.105, 0.120, 0.132, 0.142, 0.152, 0.162, 0.175, 0.18, 0.20, 0.215, 0.195)
SNOW = _spectrum(0.800, 0.810, 0.800, 0.790, 0.780, 0.765, 0.755, 0.740, 0.710, 0.66, 0.20, 0.110, 0.085)

# Surfaces that brighten or darken without a cloud; the order of magnitude is that of the classes of the ECOSTRESS
# spectral library (Meerdink et al. 2019, https://doi.org/10.1016/j.rse.2019.05.015); the sand is as bright as the
# calibration site Libya 4 (Helder et al. 2013, https://doi.org/10.1109/TGRS.2013.2243738).
STUBBLE = _spectrum(0.115, 0.145, 0.205, 0.265, 0.300, 0.335, 0.360, 0.380, 0.400, 0.41, 0.40, 0.430, 0.320)
PALE_SOIL = _spectrum(0.150, 0.190, 0.250, 0.310, 0.335, 0.350, 0.365, 0.380, 0.395, 0.40, 0.44, 0.480, 0.440)
SAND = _spectrum(0.190, 0.210, 0.310, 0.430, 0.470, 0.500, 0.530, 0.550, 0.570, 0.58, 0.62, 0.660, 0.590)
MEMBRANE = _spectrum(0.580, 0.680, 0.740, 0.760, 0.770, 0.770, 0.760, 0.750, 0.740, 0.70, 0.60, 0.560, 0.450)
FLOOD = _spectrum(0.075, 0.090, 0.125, 0.130, 0.120, 0.075, 0.070, 0.055, 0.045, 0.03, 0.01, 0.012, 0.010)
CHAR = _spectrum(0.030, 0.035, 0.042, 0.050, 0.056, 0.064, 0.070, 0.078, 0.085, 0.09, 0.12, 0.145, 0.150)

GLINT = _spectrum(1.00, 1.00, 1.00, 1.00, 0.99, 0.99, 0.98, 0.98, 0.97, 0.97, 0.95, 0.90, 0.83)
"""What a wave of water mirrors, relative to the visible: its index of refraction falls in the infrared."""

# Top of the atmosphere under a high sun: what the air adds, and the share of the surface signal that it lets through.
PATH = _spectrum(0.088, 0.060, 0.032, 0.019, 0.015, 0.012, 0.010, 0.009, 0.006, 0.002, 0.0008, 0.0015, 0.001)
TRANSMISSION = _spectrum(0.74, 0.81, 0.87, 0.92, 0.92, 0.93, 0.94, 0.92, 0.97, 0.30, 0.0025, 0.95, 0.90)

# Thick cloud seen from above, relative to its brightness in the visible; water droplets and ice crystals.
DROPLETS = _spectrum(1.03, 1.01, 0.98, 0.98, 0.98, 0.99, 1.00, 1.00, 1.00, 0.46, 0.0, 0.58, 0.43)
ICE = _spectrum(1.03, 1.01, 0.98, 0.98, 0.98, 0.99, 0.99, 0.99, 0.98, 0.62, 0.0, 0.42, 0.30)

SHADE = _spectrum(0.38, 0.42, 0.47, 0.51, 0.53, 0.55, 0.56, 0.57, 0.58, 0.60, 0.60, 0.62, 0.63)
"""Share of the surface signal lost in the shadow of a thick cloud: blue sky light fills it, in the infrared little."""

NOISE = _spectrum(
    0.0006, 0.0007, 0.0007, 0.0007, 0.0008, 0.0008, 0.0008, 0.0009, 0.0008, 0.0006, 0.00015, 0.0008, 0.0008
)
"""Standard deviation of the instrument's noise in reflectance."""
