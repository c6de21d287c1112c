"""The algorithms that move collections out of Earth Engine by way of Google Drive, and delete what has arrived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsSettings,
)
from qgis.PyQt.QtCore import Qt

from ..core.fields import field_problems
from ..gis.google_account import project_of
from ..jobs.moving_request import DownloadRequest, MoveProgress, MoveReport, MoveRequest
from ..jobs.orders import Orders
from ..jobs.report import RunState
from ..jobs.request import Throttle
from .base import S2MaskAlgorithm
from .earth_engine import remembered_connection, throttle_of
from .fields import definitions, tr, values
from .inputs import advanced

if TYPE_CHECKING:
    from ..google.account import Connection

PROJECT, SOURCE, DRIVE_FOLDER, FOLDER, COUNT = "PROJECT", "SOURCE", "DRIVE_FOLDER", "FOLDER", "COUNT"
EXPORTED, HERE, DELETED, FAILED = "EXPORTED", "HERE", "DELETED", "FAILED"


@dataclass(frozen=True)
class Wanted:
    """What is asked for, and the account to do it by."""

    request: Any
    connection: Connection
    project: str = ""


class MovingAlgorithm(S2MaskAlgorithm):
    """What these algorithms have in common: an account, progress, orders, and counts of images."""

    def add_counts(self) -> None:
        """The numbers that are told at the end."""
        for name, title in (
            (EXPORTED, tr("Images exported to Drive")),
            (HERE, tr("Images on this computer")),
            (DELETED, tr("Images deleted from Earth Engine")),
            (FAILED, tr("Images that failed")),
        ):
            self.addOutput(QgsProcessingOutputNumber(name, title))

    def text(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> str:
        """A text without blanks around it."""
        return str(self.parameterAsString(parameters, name, context)).strip()

    def missing(self, parameters: dict[str, Any], context: QgsProcessingContext, **titles: str) -> list[str]:
        """A problem for each of these texts that is empty."""
        return [f"{title}: give one." for name, title in titles.items() if not self.text(parameters, name, context)]

    def add_project(self) -> None:
        """The project, which need not be given."""
        project = QgsProcessingParameterString(PROJECT, tr("Earth Engine project"), optional=True)
        project.setHelp(tr("Its APIs are used; empty for the project that the dock remembers."))
        self.addParameter(advanced(project))

    def project(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """The project that is given, or that the dock remembers."""
        return self.text(parameters, PROJECT, context) or project_of(QgsSettings())

    def folder(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Path:
        """The folder on this computer."""
        return Path(self.parameterAsString(parameters, FOLDER, context)).absolute()


def orders_of(feedback: QgsProcessingFeedback, is_paused: bool = False) -> Orders:
    """Orders that follow the feedback's cancellation."""
    orders = Orders()
    order = orders.pause if is_paused else orders.cancel
    feedback.canceled.connect(order, Qt.ConnectionType.DirectConnection)
    if feedback.isCanceled():
        order()
    return orders


def teller(feedback: QgsProcessingFeedback) -> Callable[[MoveProgress], None]:
    """Tells the feedback how far a move is."""
    stages: list[str] = []

    def tell(progress: MoveProgress) -> None:
        if progress.stage.value not in stages[-1:]:
            stages.append(progress.stage.value)
            feedback.setProgressText(tr(progress.stage.value))
        if progress.total:
            feedback.setProgress(100.0 * progress.done / progress.total)

    return tell


def results_of(report: MoveReport, feedback: QgsProcessingFeedback) -> dict[str, Any]:
    """The counts of a report, whose texts are told; QgsProcessingException where nothing could be begun."""
    if report.state is RunState.REFUSED:
        raise QgsProcessingException(report.message)
    for name, reason in report.failed:
        feedback.reportError(f"{name}: {reason}", False)
    for note in report.notes:
        feedback.pushInfo(note)
    (feedback.pushInfo if report.state is RunState.FINISHED else feedback.pushWarning)(report.message)
    return {EXPORTED: report.exported, HERE: report.here, DELETED: report.deleted, FAILED: len(report.failed)}


class MoveCollection(MovingAlgorithm):
    """All images of a folder or collection exported to Drive and downloaded."""

    NAME = "movecollection"
    TITLE = "Move a collection out of Earth Engine"
    HELP = (
        "Exports every image of a folder or collection of assets to Google Drive as it is stored, downloads the files, "
        "checks them byte by byte, and merges those that came in parts: one GeoTIFF an image. metadata.json beside "
        "them keeps what GeoTIFFs lack (outline, times, properties); a run that is given it leaves its images out. "
        "Nothing is deleted.\n\n"
        "A move that was interrupted goes on where it stopped when it is started again with the same values. Sign in "
        "in the dock first, with Google Drive."
    )

    def initAlgorithm(self, _configuration: dict[str, Any] | None = None) -> None:  # noqa: N802 (the name is QGIS's)
        """The form and the results."""
        self.addParameter(QgsProcessingParameterString(PROJECT, tr("Earth Engine project")))
        source = QgsProcessingParameterString(SOURCE, tr("Folder or collection of assets"))
        source.setHelp(tr("Like projects/PROJECT/assets/FOLDER, or users/NAME/FOLDER."))
        self.addParameter(source)
        self.addParameter(QgsProcessingParameterString(DRIVE_FOLDER, tr("Folder in Google Drive"), "s2mask_moved"))
        for definition in definitions(Throttle):
            self.addParameter(advanced(definition))
        self.addParameter(QgsProcessingParameterFolderDestination(FOLDER, tr("Folder on this computer")))
        self.add_counts()

    def problems(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """Texts that are missing, and wrong numbers."""
        titles = {PROJECT: "project", SOURCE: "folder or collection", DRIVE_FOLDER: "folder in Google Drive"}
        numbers = values(Throttle, self, parameters, context)
        found = [problem.text for problem in field_problems(Throttle, numbers)]
        return [*self.missing(parameters, context, **titles), *found]

    def snapshot(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Wanted:
        """The request, and the account that the dock remembers."""
        names = (PROJECT, SOURCE, DRIVE_FOLDER)
        project, source, drive_folder = (self.text(parameters, name, context) for name in names)
        throttle = throttle_of(self, parameters, context)
        request = MoveRequest(project, source, drive_folder, self.folder(parameters, context), throttle)
        return Wanted(request, remembered_connection(), project)

    def processAlgorithm(  # noqa: N802
        self, _parameters: dict[str, Any], _context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Carry out the move."""
        from ..jobs.moving import connected, move_out
        from ..jobs.opening import Interrupt

        orders = orders_of(feedback)
        interrupt = Interrupt(orders)
        services = connected(self._snapshot.connection, interrupt, self._snapshot.project)
        report = move_out(self._snapshot.request, services, orders, interrupt, teller(feedback))
        return {FOLDER: str(self._snapshot.request.folder), **results_of(report, feedback)}


class DownloadFromDrive(MovingAlgorithm):
    """The GeoTIFFs of a folder of Drive."""

    NAME = "downloadfromdrive"
    TITLE = "Download images from Google Drive"
    HELP = (
        "Downloads the GeoTIFFs in a folder of Google Drive, checks them byte by byte, and merges those that Earth "
        "Engine wrote in parts: one GeoTIFF an image. Where a metadata.json lies in the folder on this computer, what "
        "it knows of the images becomes their metadata. What is here already is not downloaded again."
    )

    def initAlgorithm(self, _configuration: dict[str, Any] | None = None) -> None:  # noqa: N802 (the name is QGIS's)
        """The form and the results."""
        self.addParameter(QgsProcessingParameterString(DRIVE_FOLDER, tr("Folder in Google Drive")))
        self.addParameter(QgsProcessingParameterFolderDestination(FOLDER, tr("Folder on this computer")))
        self.add_project()
        self.add_counts()

    def problems(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """A name that is missing."""
        return self.missing(parameters, context, **{DRIVE_FOLDER: "folder in Google Drive"})

    def snapshot(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Wanted:
        """The request, and the account that the dock remembers."""
        name = self.text(parameters, DRIVE_FOLDER, context)
        request = DownloadRequest(name, self.folder(parameters, context))
        return Wanted(request, remembered_connection(), self.project(parameters, context))

    def processAlgorithm(  # noqa: N802
        self, _parameters: dict[str, Any], _context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Carry out the download."""
        from ..jobs.moving import connected, download

        orders = orders_of(feedback)
        services = connected(self._snapshot.connection, orders.is_stopped, self._snapshot.project)
        report = download(self._snapshot.request, services.drive, orders, teller(feedback))
        return {FOLDER: str(self._snapshot.request.folder), **results_of(report, feedback)}


class DeleteMoved(MovingAlgorithm):
    """The assets of images that are verified on this computer."""

    NAME = "deletemoved"
    TITLE = "Delete assets that were moved"
    HELP = (
        "Deletes from Earth Engine the images of a move whose files are on this computer, each compared with its "
        "checksum once more before its asset goes. Give the number of images that you want to have deleted: where it "
        "is not the number that can be deleted, nothing is, and the number is told. This cannot be undone; the images "
        "can be brought back from their files."
    )

    def initAlgorithm(self, _configuration: dict[str, Any] | None = None) -> None:  # noqa: N802 (the name is QGIS's)
        """The form and the results."""
        kind = QgsProcessingParameterFile.Folder
        self.addParameter(QgsProcessingParameterFile(FOLDER, tr("Folder of the move"), kind))
        number = QgsProcessingParameterNumber(COUNT, tr("Number of assets to delete"), defaultValue=0, minValue=0)
        self.addParameter(number)
        self.add_project()
        self.add_counts()

    def problems(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """A folder that is missing."""
        return self.missing(parameters, context, **{FOLDER: "folder of the move"})

    def snapshot(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Wanted:
        """The folder with the number, and the account that the dock remembers."""
        count = self.parameterAsInt(parameters, COUNT, context)
        request = (self.folder(parameters, context), count)
        return Wanted(request, remembered_connection(), self.project(parameters, context))

    def processAlgorithm(  # noqa: N802
        self, _parameters: dict[str, Any], _context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Carry out the deletion."""
        from ..jobs.moving import connected, delete

        folder, count = self._snapshot.request
        orders = orders_of(feedback)
        services = connected(self._snapshot.connection, orders.is_stopped, self._snapshot.project)
        return results_of(delete(folder, services, count, orders, teller(feedback)), feedback)
