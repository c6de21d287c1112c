"""Independent plain-numpy reference of what the plugin computes; it imports nothing of the plugin."""
