"""The embedded engine: Earth Engine's protocol over Sentinel-2 L1C products on disk."""
