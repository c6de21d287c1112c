"""The plugin in QGIS's Processing toolbox: jobs without the dock, for models, scripts and the command line."""
