"""Every method on a set of scenes: runs of the plugin's own jobs on the local engine, and what others make of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import accuracy_peers
from accuracy import Accuracy, Raster, classes_under, count, read_raster, read_rasters, total
from accuracy_sets import DataSet
from s2mask_qgis.core.features import FEATURES
from s2mask_qgis.core.models.files import available
from s2mask_qgis.core.parameters import PRODUCT, RunParameters
from s2mask_qgis.jobs import runner
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.report import ImageState, RunReport
from s2mask_qgis.jobs.request import RunRequest

OWN, PEER = "own mask", "s2cloudless"
FIRST_MODEL = "published"
NO_RUN = "no run of a model came to an end"


@dataclass(frozen=True)
class Judged:
    """A method on a set: its counts over all images, by surface and by image; without counts ``reason`` says why.

    ``masks`` are the files that were judged, by system:index; a feature is a band of them.
    """

    data: DataSet
    method: str
    counts: Accuracy | None
    reason: str = ""
    by_surface: dict[int, Accuracy] = field(default_factory=dict)
    by_image: dict[str, Accuracy] = field(default_factory=dict)
    masks: dict[str, Path] = field(default_factory=dict)

    @property
    def tells_shadow(self) -> bool:
        """Whether the method has a class for shadows."""
        return self.method in model_names()


def model_names() -> list[str]:
    """The shipped models, the published one first."""
    names = [model.name for model in available().models]
    return sorted(names, key=lambda name: name != FIRST_MODEL)


def methods() -> list[str]:
    """Every method in the order of the table's columns."""
    return [*FEATURES, *model_names(), OWN, PEER]


def judge(data: DataSet, folder: Path) -> Iterator[Judged]:
    """Every method on a set; results of runs lie below ``folder``, which later runs reuse."""
    with_features: dict[str, Path] = {}
    references: dict[str, Path] = {}
    for model in model_names():
        report = _run(data, folder, RunParameters(model=model, features=not with_features), model)
        masks = _paths(report, "mask_path")
        with_features = with_features or _paths(report, "features_path")
        references = references or masks
        yield from judged(data, [model], masks, _reason(report))
    yield from judged(data, list(FEATURES), with_features, NO_RUN)
    yield _own(data, folder, references)
    yield _peer(data, folder, references)


def judged(data: DataSet, names: Sequence[str], masks: dict[str, Path], reason: str) -> list[Judged]:
    """The counts of masks against what is known of a set; ``names`` are the methods of the files' bands, in order."""
    by_image: dict[str, dict[str, Accuracy]] = {name: {} for name in names}
    by_surface: dict[str, dict[int, list[Accuracy]]] = {name: {} for name in names}
    for index, path in masks.items():
        if not (data.truth / f"{index}.tif").exists():
            continue
        bands = read_rasters(path, len(names))
        classes, agree = classes_under(bands[0], read_raster(data.truth / f"{index}.tif"))
        surfaces = _surfaces(data, bands[0], index)
        for name, mask in zip(names, bands):
            counted = mask.valid & agree
            if counted.any():
                by_image[name][index] = count(mask.values, classes, counted)
                for code, chosen in surfaces.items():
                    counts = count(mask.values, classes, counted & chosen)
                    by_surface[name].setdefault(code, []).append(counts)
    return [_judged(data, name, by_image[name], by_surface[name], masks, reason) for name in names]


def _judged(
    data: DataSet,
    name: str,
    by_image: dict[str, Accuracy],
    by_surface: dict[int, list[Accuracy]],
    masks: dict[str, Path],
    reason: str,
) -> Judged:
    if not by_image:
        return Judged(data, name, None, reason if not masks else "no pixel could be decided")
    surfaces = {code: total(counts) for code, counts in sorted(by_surface.items())}
    return Judged(data, name, total(by_image.values()), "", surfaces, by_image, masks)


def _surfaces(data: DataSet, mask: Raster, index: str) -> dict[int, np.ndarray]:
    """By code of its surface the pixels of a mask (y, x) that lie wholly on it."""
    if data.surfaces is None:
        return {}
    codes, agree = classes_under(mask, read_raster(data.surfaces / f"{index}.tif"))
    return {int(code): agree & (codes == code) for code in np.unique(codes[agree])}


def _own(data: DataSet, folder: Path, references: dict[str, Path]) -> Judged:
    """The mask that came with the products: as a file beside the truth, or from the products through a run."""
    if data.own is not None:
        given = {index: data.own / f"{index}.tif" for index in references}
        masks = {
            index: accuracy_peers.same_pixels(path, references[index], folder / "own" / path.name)
            for index, path in given.items()
            if path.exists()
        }
        return judged(data, [OWN], masks, NO_RUN)[0]
    if not data.has_own_mask:
        return Judged(data, OWN, None, "the products have none")
    report = _run(data, folder, RunParameters(source=PRODUCT, shadow=False), "product")
    return judged(data, [OWN], _paths(report, "mask_path"), _reason(report))[0]


def _peer(data: DataSet, folder: Path, references: dict[str, Path]) -> Judged:
    """The s2cloudless package on the pixels of the masks ``references``."""
    if data.level != "L1C" or not references:
        return Judged(data, PEER, None, "it reads Level-1C" if data.level != "L1C" else NO_RUN)
    try:
        masks = accuracy_peers.s2cloudless_masks(data.scenes, folder / "library", references, folder / PEER)
    except accuracy_peers.PeerError as error:
        return Judged(data, PEER, None, str(error))
    return judged(data, [PEER], masks, NO_RUN)[0]


def _run(data: DataSet, folder: Path, parameters: RunParameters, name: str) -> RunReport:
    """A run of the plugin's jobs over the whole set."""
    values = parameters.to_json() | {"scale_m": data.scale_m, "level": data.level}
    request = RunRequest(data.scenes, folder / "library", folder / name, data.area, RunParameters.from_json(values))
    return runner.run(request, None, Orders(), _ignore, _ignore)


def _ignore(_: object) -> None:
    """Nobody waits for progress."""


def _paths(report: RunReport, kind: str) -> dict[str, Path]:
    made = [image for image in report.images if image.state is not ImageState.FAILED]
    paths: Iterable[tuple[str, Path | None]] = ((image.index, getattr(image, kind)) for image in made)
    return {index: path for index, path in paths if path is not None}


def _reason(report: RunReport) -> str:
    reasons = [image.reason for image in report.images if image.state is ImageState.FAILED]
    return reasons[0] if reasons else report.message
