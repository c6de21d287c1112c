"""Wires the plugin into QGIS: actions in the toolbar and the Raster menu, dock and window behind them, algorithms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.PyQt.QtCore import QCoreApplication, Qt
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QAction

from .paths import resource

if TYPE_CHECKING:
    from .gui.dock import S2MaskDock
    from .gui.moving_window import MovingWindow
    from .processing.provider import S2MaskProvider

MENU = "S2 Mask"


class S2MaskPlugin:
    """The plugin; ``dock`` and ``moving`` are None until they were shown for the first time."""

    def __init__(self, iface: Any) -> None:
        self.iface = iface
        self.action: QAction | None = None
        self.move_action: QAction | None = None
        self.dock: S2MaskDock | None = None
        self.moving: MovingWindow | None = None
        self.provider: S2MaskProvider | None = None

    def initProcessing(self) -> None:  # noqa: N802 (the name is QGIS's)
        """Add the algorithms; called by QGIS where there is no window (qgis_process), and by initGui."""
        from qgis.core import QgsApplication

        from .processing.provider import S2MaskProvider

        self.provider = S2MaskProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self) -> None:  # noqa: N802
        """Add the action and the algorithms; called by QGIS when the plugin is switched on."""
        self.initProcessing()
        text = QCoreApplication.translate("S2Mask", "S2 Mask: clouds and NDVI of Sentinel-2")
        self.action = QAction(QIcon(str(resource("icon.svg"))), text, self.iface.mainWindow())
        self.action.setObjectName("s2maskAction")
        self.action.setCheckable(True)
        self.action.triggered.connect(self._show)
        self.iface.addToolBarIcon(self.action)
        self.iface.addPluginToRasterMenu(MENU, self.action)
        self.move_action = QAction(QCoreApplication.translate("S2Mask", "Move a collection…"), self.iface.mainWindow())
        self.move_action.setObjectName("s2maskMoveAction")
        self.move_action.triggered.connect(self.open_moving)
        self.iface.addPluginToRasterMenu(MENU, self.move_action)

    def unload(self) -> None:
        """Take everything away again; called by QGIS when the plugin is switched off."""
        if self.provider is not None:
            from qgis.core import QgsApplication

            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
        if self.dock is not None:
            self.dock.close_down()
            self.iface.removeDockWidget(self.dock)
            self.dock.deleteLater()
            self.dock = None
        if self.moving is not None:
            self.moving.close_down()
            self.moving.deleteLater()
            self.moving = None
        if self.move_action is not None:
            self.iface.removePluginRasterMenu(MENU, self.move_action)
            self.move_action.deleteLater()
            self.move_action = None
        if self.action is not None:
            self.iface.removePluginRasterMenu(MENU, self.action)
            self.iface.removeToolBarIcon(self.action)
            self.action.deleteLater()
            self.action = None

    def open_dock(self) -> S2MaskDock:
        """Show the dock; it is made, and its modules are loaded, the first time."""
        if self.dock is None:
            self.dock = self._make_dock()
            self.iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
            self.dock.setToggleVisibilityAction(self.action)
        self.dock.setUserVisible(True)
        return self.dock

    def open_moving(self) -> MovingWindow:
        """Show the window that moves collections; it is made the first time."""
        if self.moving is None:
            from qgis.core import QgsSettings

            from .gui.moving_services import real_moving_services
            from .gui.moving_window import MovingWindow

            self.moving = MovingWindow(real_moving_services(), QgsSettings(), self.iface.mainWindow())
        self.moving.open_beside()
        return self.moving

    def _show(self, checked: bool) -> None:
        """The first click makes the dock; from then on the dock itself follows its action."""
        if self.dock is None and checked:
            self.open_dock()

    def _make_dock(self) -> S2MaskDock:
        from qgis.core import QgsProject, QgsSettings

        from .gui.dock import S2MaskDock
        from .gui.services import real_services

        return S2MaskDock(self.iface, QgsProject.instance(), real_services(), QgsSettings())
