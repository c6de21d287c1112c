"""The science: values, parameters, scene selection, and the masking algorithm as Earth Engine expressions."""
