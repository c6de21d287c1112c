"""Fit the shipped models with magnitudes on simulated pixels, judge them on others, and write their files."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from fit_additive import Labelled, fit  # noqa: E402
from fit_anchors import anchors  # noqa: E402
from fit_judge import CLEAR_RISE, CLOUD_RISE, Material, figures, scores  # noqa: E402
from fit_pixels import Pairs, draw  # noqa: E402
from fit_samples import SamplePixels, sample_pixels  # noqa: E402
from s2mask_qgis.core.models.files import SHIPPED, text_of  # noqa: E402
from s2mask_qgis.core.models.model import Additive, Model  # noqa: E402
from s2mask_qgis.simulation.scene import Truth  # noqa: E402
from s2mask_qgis.simulation.settings import SampleSettings  # noqa: E402

RIDGE = 1e-4
SNOW_WEIGHT = 3.0
"""Snow without cloud is rare; it counts this much."""

SAMPLE_SHARE, ANCHOR_SHARE = 0.25, 0.02
"""Shares of the fit's weight of simulated samples and of anchors; single pixels have the rest."""

SAMPLE_SEEDS, JUDGE_SEEDS = (11, 12), (21, 22)
SAMPLE_SIZE_PX, SAMPLE_DATES, SAMPLE_STEP_DAYS = 510, 60, 6
PER_CLASS = {Truth.CLEAR: 9_000, Truth.SHADOW: 1_000, Truth.CLOUD: 10_000}
"""Pixels that a sample gives to the fit."""


@dataclass(frozen=True)
class Recipe:
    """A model to fit: ``ground_share`` is the weight of pixels at the ground (Level-2A) among the single pixels."""

    name: str
    title: str
    measures: tuple[str, ...]
    cutoff: float
    ground_share: float


RECIPES = (
    Recipe(
        "magnitude",
        "Magnitudes against the clearest background, with the cirrus band",
        ("brightening", "white", "nir_swir", "swir_rise", "snow_index", "cirrus", "cirrus_level"),
        cutoff=0.45,
        ground_share=0.0,
    ),
    Recipe(
        "multitemporal",
        "Magnitudes against the clearest background, without the cirrus band",
        ("brightening", "white", "nir_swir", "swir_rise", "snow_index", "snow_change"),
        cutoff=0.55,
        ground_share=0.4,
    ),
)


def material(pixels: int, seed: int, samples: tuple[SampleSettings, ...]) -> Material:
    """Draw single pixels by ``seed``, and make the samples."""
    above, below = draw(pixels, seed)
    return Material(above, below, tuple(sample_pixels(settings) for settings in samples))


def sample_settings(seed: int, surfaces: bool = False) -> SampleSettings:
    """The sample of a seed."""
    size, dates, step = SAMPLE_SIZE_PX, SAMPLE_DATES, SAMPLE_STEP_DAYS
    return SampleSettings(size_px=size, dates=dates, step_days=step, seed=seed, surfaces=surfaces)


def fitted(recipe: Recipe, found: Material) -> Additive:
    """The model of a recipe."""
    single = 1 - SAMPLE_SHARE - ANCHOR_SHARE
    parts = [
        _of_pairs(found.above, single * (1 - recipe.ground_share)),
        _of_pairs(found.below, single * recipe.ground_share),
        _of_anchors(),
        *(_of_sample(sample, SAMPLE_SHARE / len(found.samples)) for sample in found.samples),
    ]
    return fit([part for part in parts if part.weight.any()], recipe.measures, RIDGE)


def _of_pairs(pairs: Pairs, share: float) -> Labelled:
    """Single pixels whose class is plain; clear and cloud weigh the same, snow more among the clear."""
    plain = (pairs.rise >= CLOUD_RISE) | (pairs.rise < CLEAR_RISE)
    is_cloud = pairs.rise[plain] >= CLOUD_RISE
    weight = np.where(is_cloud, 0.5 / is_cloud.mean(), 0.5 / (1 - is_cloud.mean()))
    weight = weight * np.where(pairs.snowy[plain] & ~is_cloud, SNOW_WEIGHT, 1.0)
    return Labelled(pairs.image[plain], pairs.background[plain], is_cloud, share * weight / weight.sum())


def _of_anchors() -> Labelled:
    image, background, is_cloud = anchors()
    weight = np.where(is_cloud, 0.5 / is_cloud.sum(), 0.5 / (~is_cloud).sum())
    return Labelled(image, background, is_cloud, ANCHOR_SHARE * weight)


def _of_sample(sample: SamplePixels, share: float) -> Labelled:
    rng = np.random.default_rng(5)
    chosen = np.concatenate(
        [rng.choice(np.flatnonzero(sample.truth == kind), count, replace=False) for kind, count in PER_CLASS.items()]
    )
    is_cloud = sample.truth[chosen] == Truth.CLOUD
    weight = np.full(len(chosen), share / len(chosen))
    return Labelled(sample.image[chosen], sample.background[chosen], is_cloud, weight)


def described(recipe: Recipe, decision: Additive, found: Material, pixels: int, seed: int) -> Model:
    """The model as its file holds it, with its scores on the samples of ``found``."""
    samples = f"samples of seeds {', '.join(map(str, SAMPLE_SEEDS))}"
    others = f"samples of seeds {', '.join(map(str, JUDGE_SEEDS))} (the last with surfaces that look like clouds)"
    return Model(
        name=recipe.name,
        title=recipe.title,
        decision=decision,
        cutoff=recipe.cutoff,
        provenance={
            "fitted_on": f"simulated only: {pixels:,} pixels (seed {seed}), {samples}, fixed anchors",
            "judged_on": f"simulated {others}; real images in docs/accuracy.md",
            "made_by": "scripts/fit_models.py",
        },
        scores=scores(decision, recipe.cutoff, found),
    )


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=SHIPPED, help="where the models' files go")
    parser.add_argument("--pixels", type=int, default=80_000, help="single pixels to fit on")
    parser.add_argument("--seed", type=int, default=1, help="of the single pixels; those to judge on take the next")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Fit, judge, print and write; returns the exit status."""
    options = parse_arguments(arguments)
    training = material(options.pixels, options.seed, tuple(map(sample_settings, SAMPLE_SEEDS)))
    tests = tuple(sample_settings(seed, surfaces=seed == JUDGE_SEEDS[-1]) for seed in JUDGE_SEEDS)
    others = material(options.pixels // 2, options.seed + 1, tests)
    options.folder.mkdir(parents=True, exist_ok=True)
    for recipe in RECIPES:
        decision = fitted(recipe, training)
        model = described(recipe, decision, others, options.pixels, options.seed)
        path = options.folder / f"{recipe.name}.json"
        path.write_text(text_of(model), encoding="utf-8")
        print(path)
        for name, value in figures(decision, recipe.cutoff, others):
            print(f"  {value:7.4f}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
