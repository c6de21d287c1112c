"""What the plugin's algorithms have in common: names, checks that tell every problem at once, values as QGIS asks."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterEnum,
)
from qgis.PyQt.QtGui import QIcon

from ..core.fields import ParameterError
from ..core.labels import LabelError
from ..gis.errors import UserError
from ..paths import resource
from .fields import tr

Own = TypeVar("Own", bound="S2MaskAlgorithm")


class S2MaskAlgorithm(QgsProcessingAlgorithm):
    """An algorithm that takes a snapshot of what it works on in the thread of the layers, and then works on that alone.

    Subclasses give ``NAME``, ``TITLE`` and ``HELP``, the form (initAlgorithm), ``problems``, ``snapshot`` and
    processAlgorithm.
    """

    NAME: ClassVar[str]
    TITLE: ClassVar[str]
    HELP: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self._snapshot: Any = None

    def name(self) -> str:
        """The second part of the algorithm's name."""
        return self.NAME

    def displayName(self) -> str:  # noqa: N802 (the names are QGIS's)
        """What users read."""
        return tr(self.TITLE)

    def shortHelpString(self) -> str:  # noqa: N802
        """Shown beside the form."""
        return tr(self.HELP)

    def icon(self) -> QIcon:
        """The plugin's icon."""
        return QIcon(str(resource("icon.svg")))

    def createInstance(self: Own) -> Own:  # noqa: N802
        """A fresh one, as QGIS wants it for each execution."""
        return type(self)()

    def problems(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """Every problem of the values that can be told without reading anything."""
        raise NotImplementedError

    def snapshot(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Any:
        """What the work needs, out of Processing's values. UserError, LabelError or ParameterError: unusable values."""
        raise NotImplementedError

    def checkParameterValues(  # noqa: N802
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> tuple[bool, str]:
        """Every problem of the values at once, before anything starts.

        Choices are judged by ``problems`` alone: QGIS knows the models of one folder only, and no numbers as choices.
        """
        problems = self.problems(parameters, context)
        if problems:
            return False, "\n".join(problems)
        definitions = {name: self.parameterDefinition(name) for name in parameters}
        choices = {name for name, one in definitions.items() if isinstance(one, QgsProcessingParameterEnum)}
        others = {name: value for name, value in parameters.items() if name not in choices}
        return super().checkParameterValues(others, context)

    def prepareAlgorithm(  # noqa: N802
        self, parameters: dict[str, Any], context: QgsProcessingContext, _feedback: QgsProcessingFeedback
    ) -> bool:
        """Take the snapshot that the work is done on."""
        try:
            self._snapshot = self.snapshot(parameters, context)
        except (ParameterError, LabelError, UserError) as error:
            raise QgsProcessingException(str(error)) from None
        return True
