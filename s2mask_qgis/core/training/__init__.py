"""Training: from labelled pixels to models, with splits by image and a choice of features."""
