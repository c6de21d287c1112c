"""A parameters.py as users of the published scripts have it, with its names and ways to write values."""

from __future__ import annotations

MASKING = r'''
"""What a run takes."""
import datetime

date_start = "2018-01-01"
date_end = "2018-12-31"
nb_days_before = 30
nb_days_after = 30

land_geometry = "users/somebody/border"
geometry = [[[-1.5, 60.86], [-11.25, 53.4], [2.45, 49.63]]]

COEF_NORMALISATION: int = 10000
NUMBER_TREES: int = 500
CUTTOF: int = 0.35

PARAMS_SELECTBACKGROUND_DEFAULT: dict = {
    "number_of_images": 15,
    "number_preselect": 2 * 15,
    "allow_future": False,
}
PARAMS_CLOUDCLUSTERSCORE_DEFAULT: dict = {
    "sampling_factor": .05,
    "lmbda": 1e-6,
    "threshold_dif_cloud": .04,
    "threshold_reflectance": .175,
    "do_clustering": True,
    "numPixels": 4000,
    "n_clusters": 8,
    "growing_ratio": 3,
    "bands_thresholds": ["B4", "B3", "B2"],
    "tileScale": 2,
}
NUMBER_HOURS: int = 12
COMMON_AREA: int = 0.9

folder_GEE = 'users/somebody/masks'
nb_task_max = 30
excel_file = "Cloud_masking/current_status.xlsx"
JSON_FILE = ".\Cloud_masking\Data\Metadata_mask.json"
SENTINEL2_BANDNAMES: list = ['B1', 'B2']
LOG_FILE: str = "logs/logs.log"
'''

INTERPOLATION = """
sentinel_coll_name = "COPERNICUS/S2"
date_start = '2018-02-01'
date_end = '2018-11-30'
day_gap_before = 30
day_gap_after = 30
dependent = 'NDVI'
harmo_10 = 10
harmo_5 = 5
harmo_1 = 1
ROI = [[[-3.7, 57.1], [-3.9, 56.9], [-2.9, 57.1]]]
JSON_FILE = None
folder_GEE = 'users/somebody/interpolation'
"""
