"""The ledger of a run: a GeoPackage with a row an image, written before and after every request."""
