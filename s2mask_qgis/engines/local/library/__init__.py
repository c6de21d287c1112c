"""The scene library: finds L1C products in a folder, indexes them and ingests them once to tiled GeoTIFF."""
