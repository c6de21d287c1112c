"""The first line of the dock: where a run computes, on this computer or on Earth Engine."""

from __future__ import annotations

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QRadioButton, QWidget

from .tab_order import order_tabs
from .wording import tr

LOCAL, EARTH_ENGINE = "local", "earth engine"
ENGINES = (LOCAL, EARTH_ENGINE)


class EngineSwitch(QWidget):
    """Two buttons of which one is on; ``changed`` follows the choice."""

    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = QLabel(tr("Engine"))
        self.localButton = QRadioButton(tr("&This computer"))
        self.earthEngineButton = QRadioButton(tr("Eart&h Engine"))
        self.localButton.setObjectName("localButton")
        self.earthEngineButton.setObjectName("earthEngineButton")
        self.localButton.setToolTip(tr("Scenes on this computer; no account, no network"))
        self.earthEngineButton.setToolTip(tr("Google Earth Engine, for countries and years; needs an account there"))
        self.localButton.setChecked(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.label, self.localButton, self.earthEngineButton):
            row.addWidget(widget)
        row.addStretch(1)
        order_tabs([self.localButton, self.earthEngineButton])
        self.earthEngineButton.toggled.connect(lambda _checked: self.changed.emit())

    @property
    def is_earth_engine(self) -> bool:
        """True where a run computes on Earth Engine."""
        return self.earthEngineButton.isChecked()

    def remembered(self) -> str:
        """The choice, as the settings hold it."""
        return EARTH_ENGINE if self.is_earth_engine else LOCAL

    def choose(self, is_earth_engine: bool) -> None:
        """Make a choice."""
        (self.earthEngineButton if is_earth_engine else self.localButton).setChecked(True)
