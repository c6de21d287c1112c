"""The plugin's algorithms on a small simulated sample, with a feedback that keeps what it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
    QgsVectorLayer,
)

from s2mask_qgis.core.labels import Label
from s2mask_qgis.processing import inputs
from s2mask_qgis.processing.base import S2MaskAlgorithm
from s2mask_qgis.simulation.sample import write_sample
from s2mask_qgis.simulation.settings import SampleSettings
from tests.jobs.labelled_sample import truth_labels

SMALL = {"NUMBER_OF_IMAGES": 2, "NUMBER_PRESELECT": 3, "CLUSTER_COUNT": 4, "SAMPLE_SIZE": 300}
"""Parameters that make a run on the sample short."""


class KeptFeedback(QgsProcessingFeedback):
    """Keeps texts; ``stop_when`` is asked at every progress and line whether to cancel."""

    def __init__(self, stop_when: Callable[[KeptFeedback], bool] = lambda feedback: False) -> None:
        super().__init__(False)
        self.stop_when = stop_when
        self.infos: list[str] = []
        self.warnings: list[str] = []
        self.errors: list[tuple[str, bool]] = []
        self.stages: list[str] = []
        self.shares: list[float] = []
        self.progressChanged.connect(self._on_progress)

    def _on_progress(self, share: float) -> None:
        self.shares.append(share)
        self._perhaps_stop()

    def _perhaps_stop(self) -> None:
        if self.stop_when(self):
            self.cancel()

    def pushInfo(self, text: str) -> None:  # noqa: N802
        self.infos.append(text)
        self._perhaps_stop()

    def pushWarning(self, text: str) -> None:  # noqa: N802
        self.warnings.append(text)

    def reportError(self, text: str, fatal: bool = False) -> None:  # noqa: N802
        self.errors.append((text, fatal))

    def setProgressText(self, text: str) -> None:  # noqa: N802
        self.stages.append(text)


@dataclass
class Ended:
    """What an algorithm left: ``is_fine`` is False where it was refused."""

    results: dict[str, Any]
    is_fine: bool
    feedback: KeptFeedback = field(repr=False)

    @property
    def refusal(self) -> str:
        """The text of the error that ended it."""
        return "\n".join(text for text, _ in self.feedback.errors)


@pytest.fixture
def project(qgis_app: object) -> Iterator[QgsProject]:
    project = QgsProject.instance()
    project.clear()
    yield project
    project.clear()


@pytest.fixture
def execute(project: QgsProject) -> Callable[..., Ended]:
    """Runs an algorithm as Processing does, in this thread."""

    def run(algorithm: S2MaskAlgorithm, values: dict[str, Any], feedback: KeptFeedback | None = None) -> Ended:
        context = QgsProcessingContext()
        context.setProject(project)
        algorithm.initAlgorithm({})
        kept = feedback or KeptFeedback()
        results, is_fine = algorithm.run(values, context, kept)
        return Ended(results, is_fine, kept)

    return run


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five simulated products, their area and truth, and room for what is prepared of them."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder / "scenes", SampleSettings(size_px=120, dates=5, jp2_products=0))
    return folder


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The plugin's own folders lie with the test."""
    from s2mask_qgis.processing import build_model

    monkeypatch.setattr(inputs, "library_folder", lambda: tmp_path / "library")
    monkeypatch.setattr(inputs, "models_folder", lambda: tmp_path / "models")
    monkeypatch.setattr(build_model, "data_folder", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def area(sample: Path, project: QgsProject) -> QgsVectorLayer:
    layer = QgsVectorLayer(str(sample / "scenes" / "area.gpkg"), "Fields", "ogr")
    project.addMapLayer(layer)
    return layer


@pytest.fixture(scope="session")
def labels(sample: Path) -> list[Label]:
    """Fifteen pixels of each class of each image, as its truth has them."""
    return truth_labels(sample / "scenes", per_code=15)


@pytest.fixture
def label_layer(labels: list[Label], project: QgsProject) -> QgsVectorLayer:
    """The labels as points, under names of fields that nobody would guess."""
    source = "Point?crs=EPSG:4326&field=shot:string(80)&field=seen:string(10)&field=ground:string(10)"
    layer = QgsVectorLayer(source, "Labels", "memory")
    features = []
    for number, label in enumerate(labels):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(label.longitude, label.latitude)))
        feature.setAttributes([label.image, label.kind, "field" if number % 2 else "wood"])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    project.addMapLayer(layer)
    return layer


@pytest.fixture
def label_file(labels: list[Label], tmp_path: Path) -> Path:
    """The same labels as a CSV file."""
    path = tmp_path / "labels.csv"
    lines = [f"{label.longitude},{label.latitude},{label.image},{label.kind}" for label in labels]
    path.write_text("\n".join(["lon,lat,image,class", *lines]))
    return path
