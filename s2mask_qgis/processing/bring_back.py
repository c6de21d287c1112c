"""The algorithm that brings images back into Earth Engine, from their files and metadata.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterString,
)

from ..jobs.moving_request import INGEST, MODES, BringBackRequest
from ..jobs.report import RunState
from .earth_engine import remembered_connection
from .fields import tr
from .inputs import advanced
from .moving import FAILED, FOLDER, PROJECT, MovingAlgorithm, Wanted, orders_of, teller

METADATA, TARGET, BUCKET, PREFIX, MODE, PYRAMIDING = "METADATA", "TARGET", "BUCKET", "PREFIX", "MODE", "PYRAMIDING"
MADE, THERE = "MADE", "THERE"
LEVELS = ("MODE", "MEAN", "SAMPLE")


class BringBack(MovingAlgorithm):
    """GeoTIFFs to a bucket, and from there into a collection of assets."""

    NAME = "bringback"
    TITLE = "Bring images back into Earth Engine"
    HELP = (
        "Uploads GeoTIFFs to a bucket of Google Cloud Storage and makes assets of them, with the properties and times "
        "that metadata.json knows. They are copied into Earth Engine's store (ingest), or stay in the bucket and "
        "become assets that read them there (external). Images that are in the collection already are left alone, "
        "and files that lie in the bucket already are not sent again. Started again it goes on where it stopped; what "
        "the service has begun goes on meanwhile.\n\n"
        "Cloud Storage charges for what lies in buckets."
    )

    def initAlgorithm(self, _configuration: dict[str, Any] | None = None) -> None:  # noqa: N802 (the name is QGIS's)
        """The form and the results."""
        kind = QgsProcessingParameterFile.Folder
        self.addParameter(QgsProcessingParameterFile(FOLDER, tr("Folder with the GeoTIFFs"), kind))
        known = QgsProcessingParameterFile(METADATA, tr("Metadata"), optional=True, fileFilter=tr("JSON (*.json)"))
        known.setHelp(tr("metadata.json of the folder unless another one is given, of the published scripts perhaps."))
        self.addParameter(known)
        self.addParameter(QgsProcessingParameterString(PROJECT, tr("Earth Engine project")))
        self.addParameter(QgsProcessingParameterString(TARGET, tr("Collection to bring them into")))
        self.addParameter(QgsProcessingParameterString(BUCKET, tr("Bucket of Cloud Storage")))
        self.addParameter(advanced(QgsProcessingParameterString(PREFIX, tr("Folder in the bucket"), "s2mask")))
        self.addParameter(_choice(MODE, tr("Way"), MODES, INGEST))
        self.addParameter(advanced(_choice(PYRAMIDING, tr("Coarser levels by"), LEVELS, LEVELS[0])))
        for name, title in (
            (MADE, tr("Images brought back")),
            (THERE, tr("Images that were there")),
            (FAILED, tr("Images that failed")),
        ):
            self.addOutput(QgsProcessingOutputNumber(name, title))

    def problems(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """Texts that are missing, and choices that are not offered."""
        titles = {FOLDER: "folder", PROJECT: "project", TARGET: "collection", BUCKET: "bucket"}
        found = self.missing(parameters, context, **titles)
        for name, offered in ((MODE, MODES), (PYRAMIDING, LEVELS)):
            value = self._chosen(parameters, name, context)
            if value not in offered:
                found.append(f"{name.lower()}: {value!r} is not offered; choose one of {', '.join(offered)}.")
        return found

    def snapshot(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Wanted:
        """The request, and the account that the dock remembers."""
        folder = self.folder(parameters, context)
        metadata = self.text(parameters, METADATA, context)
        request = BringBackRequest(
            project=self.text(parameters, PROJECT, context),
            folder=folder,
            metadata_file=Path(metadata) if metadata else folder / "metadata.json",
            target=self.text(parameters, TARGET, context),
            bucket=self.text(parameters, BUCKET, context),
            prefix=self.text(parameters, PREFIX, context),
            mode=self._chosen(parameters, MODE, context),
            pyramiding=self._chosen(parameters, PYRAMIDING, context),
        )
        return Wanted(request, remembered_connection())

    def _chosen(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> str:
        given = parameters.get(name)
        return given if isinstance(given, str) else str(self.parameterAsEnumString(parameters, name, context))

    def processAlgorithm(  # noqa: N802
        self, _parameters: dict[str, Any], _context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Carry it out."""
        from ..engines.errors import EngineError
        from ..jobs.bringing_back import bring_back, connected

        orders = orders_of(feedback, is_paused=True)
        try:
            services = connected(self._snapshot.connection, self._snapshot.request, orders.is_stopped)
        except EngineError as error:
            raise QgsProcessingException(str(error)) from None
        report = bring_back(self._snapshot.request, services, orders, teller(feedback))
        if report.state is RunState.REFUSED:
            raise QgsProcessingException(report.message)
        for name, reason in report.failed:
            feedback.reportError(f"{name}: {reason}", False)
        (feedback.pushInfo if report.state is RunState.FINISHED else feedback.pushWarning)(report.message)
        return {MADE: report.made, THERE: report.there, FAILED: len(report.failed)}


def _choice(name: str, title: str, offered: tuple[str, ...], default: str) -> QgsProcessingParameterEnum:
    return QgsProcessingParameterEnum(name, title, list(offered), False, default, False, True)
