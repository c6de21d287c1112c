"""Google Earth Engine as an engine: the same calls as the embedded one, sent to the service over the network."""
