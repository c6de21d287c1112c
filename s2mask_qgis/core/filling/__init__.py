"""Gap filling: curves through the clear observations of every pixel, and what is known about each filled value."""
