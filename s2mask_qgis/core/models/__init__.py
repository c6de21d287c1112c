"""Models: what turns the features of a pixel into its probability of cloud, as values and as files."""
