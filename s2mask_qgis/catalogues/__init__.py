"""Catalogues of Sentinel-2 products on the internet: what there is for an area and dates, and its files."""
