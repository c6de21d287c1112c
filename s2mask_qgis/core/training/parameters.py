"""The parameters of building a model: how labels are sampled, what is fitted, how its cutoff is chosen."""

from __future__ import annotations

from dataclasses import dataclass

from ..fields import Parameters, choice, flag, number

TABLE, FOREST = "table", "random forest"
FITS = (TABLE, FOREST)
BALANCED, RECALL = "best balanced accuracy", "target recall"
CUTOFF_RULES = (BALANCED, RECALL)


@dataclass(frozen=True)
class TrainingParameters(Parameters):
    """How a model is built from labels. A random forest is for comparison; it is kept as a table over its features."""

    fit: str = choice(TABLE, FITS, "", "What is fitted: a table of probabilities, or a random forest of 500 trees.")
    choose_features: bool = flag(True, "Choose the features one by one, as long as each improves the held-out score.")
    most_features: int = number(4, 1, 13, "features", "Features of the model, at most.")
    laplace: float = number(
        1.0, 0.0, 100.0, "labels", "Added to each cell of the table, so that rare cells stay humble."
    )
    labels_per_image: int = number(500, 10, 100_000, "labels", "Labels of a class taken from an image, at most.")
    held_out_share: float = number(0.3, 0.1, 0.9, "", "Share of the images that only judge the model.")
    cutoff_by: str = choice(BALANCED, CUTOFF_RULES, "", "How the cutoff is chosen.")
    target_recall: float = number(0.95, 0.5, 1.0, "", "Share of the cloud that must be found, where that decides.")
    seed: int = number(0, 0, 2**31 - 1, "", "Start of the random choices; the same seed gives the same model.")
