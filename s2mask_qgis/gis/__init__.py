"""Between QGIS data and ours: areas from layers and files, result layers, styles, time."""
