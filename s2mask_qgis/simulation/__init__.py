"""A simulated Sentinel-2 sample with known truth: fields, phenology, clouds and shadows in SAFE layout."""
