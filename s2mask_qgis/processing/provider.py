"""The group of the plugin's algorithms in the Processing toolbox."""

from __future__ import annotations

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from ..paths import resource
from .bring_back import BringBack
from .build_model import BuildModel
from .judge_model import JudgeModel
from .mask_images import MaskImages
from .moving import DeleteMoved, DownloadFromDrive, MoveCollection
from .store_land import StoreLand


class S2MaskProvider(QgsProcessingProvider):
    """Algorithms ``s2mask:maskimages``, ``s2mask:buildmodel`` and ``s2mask:judgemodel``, and those of moves:
    ``s2mask:movecollection``, ``s2mask:downloadfromdrive``, ``s2mask:deletemoved`` and ``s2mask:bringback``;
    ``s2mask:storeland`` stores land on Earth Engine."""

    def id(self) -> str:
        """The first part of the algorithms' names."""
        return "s2mask"

    def name(self) -> str:
        """What users read."""
        return "S2 Mask"

    def icon(self) -> QIcon:
        """The plugin's icon."""
        return QIcon(str(resource("icon.svg")))

    def loadAlgorithms(self) -> None:  # noqa: N802 (the name is QGIS's)
        """Called by QGIS."""
        for algorithm in (
            MaskImages(),
            BuildModel(),
            JudgeModel(),
            MoveCollection(),
            DownloadFromDrive(),
            DeleteMoved(),
            BringBack(),
            StoreLand(),
        ):
            self.addAlgorithm(algorithm)
