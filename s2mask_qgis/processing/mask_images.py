"""The algorithm that masks the images of an area: a run of the dock, headless."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
)
from qgis.PyQt.QtCore import Qt

from ..core.parameters import RunParameters
from ..gis.roi import area_from_layer
from ..jobs.orders import Orders
from ..jobs.report import ImageOutcome, ImageState, Progress, RunState, Stage
from ..jobs.request import RunRequest
from .base import S2MaskAlgorithm
from .earth_engine import (
    check_fits,
    choice_of,
    earth_engine_parameters,
    earth_engine_problems,
    remembered_connection,
    throttle_of,
)
from .fields import definitions, tr, values
from .inputs import (
    SCENES,
    advanced,
    folder_of,
    layer_of,
    library_of,
    look_through,
    models_of,
    models_parameter,
    optional,
    own_folders,
    project_of,
    scenes_of,
    scenes_parameter,
)
from .land_inputs import land_given, land_parameters, land_problems

if TYPE_CHECKING:
    from ..google.account import Connection

AREA, DONE_FILE, OUTPUT = "AREA", "DONE_FILE", "OUTPUT"
REPORT, IMAGES, FAILED = "REPORT", "IMAGES", "FAILED"
SHOWN = ("date_start", "date_end", "level", "scale_m", "source", "model")
"""Parameters shown at once; the others are advanced."""

PARTS = {
    Stage.SCENES: (0.0, 1.0),
    Stage.LISTING: (1.0, 2.0),
    Stage.PREPARING: (2.0, 40.0),
    Stage.MASKING: (40.0, 100.0),
}
"""From where to where the progress of each stage goes, in per cent."""


@dataclass(frozen=True)
class Wanted:
    """What is to be done, who is signed in for it (None: nobody has to be), and notes for the user."""

    request: RunRequest
    connection: Connection | None
    notes: tuple[str, ...]


class MaskImages(S2MaskAlgorithm):
    """Cloud masks and NDVI of every image of an area."""

    NAME = "maskimages"
    TITLE = "Mask clouds and shadows, compute NDVI"
    HELP = (
        "Masks every Sentinel-2 image of a folder that meets the area within the dates. The folder of results receives "
        "mask/ (0 clear, 1 cloud, 2 shadow, and the probability of cloud), ndvi/, what else is asked for, and "
        "report.json: one GeoTIFF an image, named by its system:index.\n\n"
        "An image that fails is told and does not stop the others. What an earlier run made with the same parameters "
        "is kept, also after a cancellation."
    )

    def initAlgorithm(self, _configuration: dict[str, Any] | None = None) -> None:  # noqa: N802 (the name is QGIS's)
        """The form and the results."""
        self.addParameter(optional(scenes_parameter()))
        polygons = [QgsProcessing.TypeVectorPolygon]
        self.addParameter(QgsProcessingParameterFeatureSource(AREA, tr("Area (polygons)"), polygons))
        for definition in definitions(RunParameters, SHOWN):
            if definition.name() == "MODEL":
                definition = models_parameter("MODEL", tr("Model"), definition.help(), RunParameters.model)
            self.addParameter(definition)
        for definition in (*land_parameters(), *own_folders(), advanced(_done_file()), *earth_engine_parameters()):
            self.addParameter(definition)
        self.addParameter(QgsProcessingParameterFolderDestination(OUTPUT, tr("Results")))
        self.addOutput(QgsProcessingOutputFile(REPORT, tr("Report (JSON)")))
        self.addOutput(QgsProcessingOutputNumber(IMAGES, tr("Images with a mask")))
        self.addOutput(QgsProcessingOutputNumber(FAILED, tr("Images that failed")))

    def problems(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """Those of the parameters of the run, and of the engine."""
        own = [problem.text for problem in RunParameters.problems(values(RunParameters, self, parameters, context))]
        if choice_of(self, parameters, context) is None and not parameters.get(SCENES):
            own.append(tr("SCENES: give the folder of Sentinel-2 products, or a project of Earth Engine."))
        has_project = choice_of(self, parameters, context) is not None
        land = land_problems(self, parameters, context, has_project)
        return [*own, *earth_engine_problems(self, parameters, context), *land]

    def snapshot(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Wanted:
        """What the run needs, with notes on the area; UserError where nobody is signed in to Earth Engine."""
        choice = choice_of(self, parameters, context)
        area = area_from_layer(*layer_of(self, parameters, AREA, context), project_of(context))
        land, notes = land_given(self, parameters, context, area.area)
        request = RunRequest(
            scenes_folder=scenes_of(self, parameters, context),
            library_folder=library_of(self, parameters, context),
            output_folder=Path(self.parameterAsString(parameters, OUTPUT, context)).absolute(),
            area=area.area,
            parameters=RunParameters.from_json(values(RunParameters, self, parameters, context)),
            models_folder=models_of(self, parameters, context),
            done_file=folder_of(self, parameters, DONE_FILE, context),
            earth_engine=choice,
            land=land,
            throttle=throttle_of(self, parameters, context),
        )
        return Wanted(request, remembered_connection() if choice else None, (*area.notes, *notes))

    def processAlgorithm(  # noqa: N802
        self, _parameters: dict[str, Any], _context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Carry out the run."""
        from ..jobs.runner import run

        wanted: Wanted = self._snapshot
        for note in wanted.notes:
            feedback.pushInfo(note)
        if wanted.connection is None:
            look_through(wanted.request, feedback)
        else:
            check_fits(wanted.request, wanted.connection, feedback)
        orders = Orders()
        feedback.canceled.connect(orders.cancel, Qt.ConnectionType.DirectConnection)
        if feedback.isCanceled():
            orders.cancel()
        teller = _Teller(feedback)
        report = run(wanted.request, wanted.connection, orders, teller.on_progress, teller.on_image)
        if report.state is RunState.REFUSED:
            raise QgsProcessingException(report.message)
        for note in report.notes:
            feedback.pushInfo(note)
        is_fine = report.state is RunState.FINISHED
        (feedback.pushInfo if is_fine else feedback.pushWarning)(report.message)
        return _results(wanted.request, teller.counts)


def _done_file() -> QgsProcessingParameterFile:
    """The ledger of runs of the published scripts; it need not be given."""
    title, kinds = tr("Images that are done"), tr("Ledgers of the published scripts (*.json *.xlsx)")
    definition = QgsProcessingParameterFile(DONE_FILE, title, optional=True, fileFilter=kinds)
    definition.setHelp(
        tr("Images that this file lists as done are left out: a metadata JSON or a workbook of the published scripts.")
    )
    return definition


class _Teller:
    """Tells the feedback of an algorithm how far a run is, and what came of each image."""

    def __init__(self, feedback: QgsProcessingFeedback) -> None:
        self._feedback = feedback
        self._stage = Stage.SCENES
        self.counts: Counter[ImageState] = Counter()

    def on_progress(self, progress: Progress) -> None:
        """The bar goes on from stage to stage; its text changes with the stage."""
        if progress.stage is not self._stage:
            self._stage = progress.stage
            self._feedback.setProgressText(tr(progress.stage.value))
        first, last = PARTS[progress.stage]
        self._feedback.setProgress(first + (last - first) * (progress.done / progress.total if progress.total else 0))

    def on_image(self, outcome: ImageOutcome) -> None:
        """A line an image; one that failed is an error that does not end the run."""
        self.counts[outcome.state] += 1
        if outcome.state is ImageState.FAILED:
            self._feedback.reportError(f"{outcome.index}: {outcome.reason}", False)
            return
        shares = ((tr("cloud"), outcome.cloud_share), (tr("shadow"), outcome.shadow_share))
        told = [f"{name} {100 * share:.0f} %" for name, share in shares if share is not None]
        kept = [tr("kept as it was")] if outcome.state is ImageState.KEPT else []
        self._feedback.pushInfo(f"{outcome.index}: {', '.join([*told, *kept])}")


def _results(request: RunRequest, counts: Counter[ImageState]) -> dict[str, Any]:
    """Where the results lie and how many there are; a run cancelled before its first image leaves no report."""
    made = counts[ImageState.DONE] + counts[ImageState.KEPT]
    results = {OUTPUT: str(request.output_folder), IMAGES: made, FAILED: counts[ImageState.FAILED]}
    path = request.output_folder / "report.json"
    return results | ({REPORT: str(path)} if path.exists() else {})
