"""The panel "Pixel curve": pins on the map, and the observations and curves of their pixels as a chart."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import QgsApplication, QgsPointXY
from qgis.gui import QgsDockWidget
from qgis.PyQt import uic
from qgis.PyQt.QtCore import QRectF, Qt, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QColor, QHideEvent, QIcon, QKeySequence, QPainter, QPen, QPixmap
from qgis.PyQt.QtWidgets import QCheckBox, QFileDialog, QListWidgetItem, QShortcut, QWidget

from ..core.filling.parameters import METHODS
from ..engines.errors import StorageError
from ..jobs.pixel_curves import PixelCurves, SeriesSource
from ..paths import form
from .chart_export import write_table
from .chart_pins import MOST_PINS, Pin, PinMarkers
from .chart_reading import OpenPixels, PixelReading
from .chart_scene import ChartScene, ShownPin, method_text, pin_colour
from .messages import Messages
from .pixel_tool import PixelTool
from .services import CountCallback, IsCancelled
from .wording import tr

if TYPE_CHECKING:
    from ..jobs.pixel_series import PixelSeries

ICON_PX = 16
CONTROLS_EM = 17
"""Width of the column beside the chart, in letters."""

STATE_LINES = 4
"""Room for the state, so that the panel, and with it the map, keeps its size when the words change."""


def open_real_pixels(source: SeriesSource, on_count: CountCallback, is_cancelled: IsCancelled) -> PixelSeries:
    """The plugin's own way to open a series; modules are loaded on first use, those that draw the first chart too."""
    from ..jobs.pixel_series import open_pixels
    from .chart_drawing import load_matplotlib

    with suppress(ImportError):  # told when there is a chart to draw
        load_matplotlib()
    return open_pixels(source, on_count, is_cancelled)


class ChartPanel(QgsDockWidget):
    """Shows the curves of the pixels that are clicked on the map.

    The one who makes it adds it to the window (the bottom area suits it), calls ``follow`` with the series whose
    pixels it is to show, as often as that changes, and ``close_down`` before removing it. ``open_pixels`` replaces
    the reading of rasters in tests. Closing the panel closes the rasters and takes its pins off the map; opening it
    again brings both back.

    ``charted`` carries the number of a pin whose new curves are in the chart.
    """

    charted = pyqtSignal(int)

    def __init__(self, iface: Any, open_pixels: OpenPixels = open_real_pixels) -> None:
        super().__init__(tr("Pixel curve"), iface.mainWindow())
        self.setObjectName("S2MaskPixelCurve")
        self._canvas = iface.mapCanvas()
        self._messages = Messages(iface)
        self._source: SeriesSource | None = None
        self._summary = ""
        self._index = "NDVI"
        self._how = ""
        self._pins: dict[int, Pin] = {}
        self._current: int | None = None
        content = QWidget(self)
        uic.loadUi(str(form("chart.ui")), content, package=__package__)
        self.setWidget(content)
        self.ui: Any = content
        self.reading = PixelReading(open_pixels, self)
        self._markers = PinMarkers(self._canvas)
        self.tool = PixelTool(self._canvas, self._markers.grip_at)
        self.tool.setButton(self.ui.pickButton)
        self._methods = {method: self._method_box(method) for method in METHODS}
        self._hide_timer = QTimer(self)
        self._hide_timer.setSingleShot(True)
        self._set_up_widgets()
        self._connect()
        self._show_pins()
        self.ui.chartState.show_hint(tr("There is no series to read pixels from yet."))

    def follow(self, source: SeriesSource) -> None:
        """Show the pixels of this series from now on; pins stay and are read again."""
        self._source = source
        if not self.isHidden():
            self._open()

    def close_down(self) -> None:
        """Close the rasters and take everything off the map; called before the panel is removed."""
        self._source = None
        self._on_closed()
        self._markers.show({}, None)
        self._canvas.destinationCrsChanged.disconnect(self._show_pins)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 (Qt's name)
        """A hidden panel counts as closed, unless it is shown again at once, as when it begins to float."""
        self._hide_timer.start(0)
        super().hideEvent(event)

    def pins(self) -> tuple[Pin, ...]:
        """The pins in the order of their numbers."""
        return tuple(self._pins[number] for number in sorted(self._pins))

    # Set-up

    def _method_box(self, method: str) -> QCheckBox:
        box = QCheckBox(method_text(method))
        box.setObjectName(f"method_{method}")
        box.setToolTip(tr("Show the curve of this method as a thin line"))
        box.toggled.connect(self._on_method)
        place = self.ui.methodGrid.count()
        self.ui.methodGrid.addWidget(box, place // 2, place % 2)
        return box

    def _set_up_widgets(self) -> None:
        icons = {"pickButton": "/mActionCapturePoint.svg", "addButton": "/symbologyAdd.svg"}
        for name, icon in {**icons, "removeButton": "/symbologyRemove.svg"}.items():
            getattr(self.ui, name).setIcon(QgsApplication.getThemeIcon(icon))
        width = CONTROLS_EM * self.fontMetrics().horizontalAdvance("m")
        self.ui.pinList.setFixedWidth(width)
        self.ui.chartState.setFixedWidth(width)
        self.ui.chartView.dress_like(self.ui.pinList)
        self.ui.chartState.setMinimumHeight(STATE_LINES * self.fontMetrics().lineSpacing())
        self._delete_key = QShortcut(QKeySequence(Qt.Key.Key_Delete), self.ui.pinList)
        self._delete_key.setContext(Qt.ShortcutContext.WidgetShortcut)

    def _connect(self) -> None:
        self.reading.opened.connect(self._on_opened)
        self.reading.counted.connect(self._on_count)
        self.reading.refused.connect(self._on_refused)
        self.reading.read.connect(self._on_read)
        self.reading.failed.connect(self._on_failed)
        self.tool.picked.connect(self._on_pick)
        self.tool.chosen.connect(self.choose)
        self.tool.dragged.connect(lambda number, point: self._move(number, point, at_once=False))
        self.tool.remove_asked.connect(self.remove)
        self._delete_key.activated.connect(self.remove)
        self.ui.pickButton.clicked.connect(self._on_pick_button)
        self.ui.removeButton.clicked.connect(self.remove)
        self.ui.pictureButton.clicked.connect(self._on_picture)
        self.ui.tableButton.clicked.connect(self._on_table)
        self.ui.pinList.currentItemChanged.connect(self._on_list)
        self._canvas.destinationCrsChanged.connect(self._show_pins)
        self.closed.connect(self._on_closed)
        self.opened.connect(self._on_shown)
        self._hide_timer.timeout.connect(self._on_hidden)

    # Pins

    def choose(self, number: int) -> None:
        """Draw this pin in full."""
        if number in self._pins and number != self._current:
            self._current = number
            self._show_pins()
            self._show_chart()

    def remove(self) -> None:
        """Take the chosen pin away."""
        if self._current is None:
            return
        self.reading.forget(self._current)
        del self._pins[self._current]
        self._current = max(self._pins, default=None)
        self._show_pins()
        self._show_chart()

    def _on_pick(self, point: QgsPointXY, is_one_more: bool) -> None:
        """A click moves the chosen pin; one more where there is none yet or one was asked for."""
        if self._source is None:
            return
        wants_new = is_one_more or self.ui.addButton.isChecked() or self._current is None
        self.ui.addButton.setChecked(False)
        if wants_new and len(self._pins) == MOST_PINS:
            self.ui.chartState.show_problem(tr("{} pins are the most. Remove one first.").format(MOST_PINS))
            return
        if wants_new:
            self._current = min(set(range(1, MOST_PINS + 1)) - set(self._pins))
        if self._current is not None:
            self._move(self._current, point, at_once=True)

    def _move(self, number: int, point: QgsPointXY, at_once: bool) -> None:
        crs = self._canvas.mapSettings().destinationCrs()
        before = self._pins.get(number)
        self._pins[number] = Pin(number, point, crs, before.curves if before else None)
        self._show_pins()
        self.reading.ask(number, point, crs, at_once)

    # Reading

    def _open(self) -> None:
        if self._source is None:
            return
        self.ui.chartState.show_hint(tr("Opening the series …"))
        self.reading.follow(self._source)
        for pin in self.pins():
            self.reading.ask(pin.number, pin.point, pin.crs, at_once=False)
        self._show_pins()

    def _on_shown(self) -> None:
        """QGIS tells it also where the panel begins to float: only a closed panel opens its series."""
        if not self.reading.is_open:
            self._open()

    def _on_hidden(self) -> None:
        if self.isHidden():
            self._on_closed()

    def _on_closed(self) -> None:
        self.reading.close()
        self._canvas.unsetMapTool(self.tool)
        self._markers.show({}, None)

    def _on_count(self, done: int, total: int) -> None:
        if total > 1:
            self.ui.chartState.show_hint(tr("Opening the series: {} of {} …").format(done, total))

    def _on_opened(self, pixels: PixelSeries) -> None:
        self._summary, self._index, self._how = pixels.summary, pixels.index, self._method_used(pixels.strength)
        for method, box in self._methods.items():
            box.setEnabled(self._source is None or method != self._source.fill.method)
        self.reading.methods = self._shown_methods()
        self._canvas.setMapTool(self.tool)
        self._show_state()

    def _on_refused(self, sentence: str) -> None:
        self._pins = {number: replace(pin, curves=None, problem=sentence) for number, pin in self._pins.items()}
        self._show_chart()
        self.ui.chartState.show_problem(sentence)

    def _on_read(self, number: int, curves: PixelCurves) -> None:
        if number in self._pins:
            self._pins[number] = replace(self._pins[number], curves=curves, problem="")
            self._show_chart()
            self.charted.emit(number)

    def _on_failed(self, number: int, sentence: str) -> None:
        if number in self._pins:
            self._pins[number] = replace(self._pins[number], curves=None, problem=sentence)
            self._show_chart()

    def _on_method(self) -> None:
        """Show the fits at hand, and read the pins again that lack one."""
        self.reading.methods = self._shown_methods()
        for pin in self.pins():
            if self._lacking(pin):
                self.reading.ask(pin.number, pin.point, pin.crs, at_once=False)
        self._show_chart()

    def _lacking(self, pin: Pin) -> list[str]:
        """Methods that are to be shown and of which a pin has no curve yet."""
        known = {curve.method for curve in pin.curves.others} if pin.curves else set()
        return [method for method in self._shown_methods() if method not in known]

    # What is shown

    def scene(self) -> ChartScene:
        """What the chart shows."""
        shown = tuple(
            ShownPin(pin.number, pin.curves, pin.number == self._current) for pin in self.pins() if pin.curves
        )
        return ChartScene(shown, self._shown_methods(), self._index)

    def _shown_methods(self) -> tuple[str, ...]:
        return tuple(method for method, box in self._methods.items() if box.isChecked() and box.isEnabled())

    def _show_chart(self) -> None:
        self._show_state()
        try:
            self.ui.chartView.show_scene(self.scene())
        except ImportError:
            text = tr("Charts are drawn by matplotlib, which this QGIS does not have: install python3-matplotlib.")
            self.ui.chartState.show_problem(text)

    def _show_state(self) -> None:
        """The problem of the chosen pin, what it waits for, else what to do."""
        current = self._pins.get(self._current) if self._current is not None else None
        if current is not None and current.problem:
            self.ui.chartState.show_problem(current.problem)
        elif current is not None and current.curves and self._lacking(current) and not self.reading.is_idle:
            waiting = ", ".join(map(method_text, self._lacking(current)))
            self.ui.chartState.show_hint(tr("Planning: {} …").format(waiting))
        elif self._pins:
            self.ui.chartState.show_hint(tr("{}. Ctrl+click adds a pin, dragging moves one.").format(self._how))
        else:
            text = tr("{}. {}. Click on the map to see a pixel.")
            self.ui.chartState.show_hint(text.format(self._summary, self._how))

    def _method_used(self, strength: float | None) -> str:
        """How the final curve is made: "Harmonic, strength 0.1"."""
        name = method_text(self._source.fill.method) if self._source else ""
        return name if strength is None else tr("{}, strength {}").format(name, f"{strength:.3g}")

    def _show_pins(self) -> None:
        """Bring markers and list in line with the pins."""
        self._markers.show(self._pins, self._current)
        self.ui.removeButton.setEnabled(self._current is not None)
        for name in ("pictureButton", "tableButton"):
            getattr(self.ui, name).setEnabled(bool(self._pins))
        self.ui.pinList.blockSignals(True)
        self.ui.pinList.clear()
        for pin in self.pins():
            digits = 5 if pin.crs.isGeographic() else 0
            item = QListWidgetItem(pin_icon(pin.number), f"{pin.point.x():.{digits}f}, {pin.point.y():.{digits}f}")
            item.setData(Qt.ItemDataRole.UserRole, pin.number)
            self.ui.pinList.addItem(item)
            if pin.number == self._current:
                self.ui.pinList.setCurrentItem(item)
        self.ui.pinList.blockSignals(False)

    def _on_list(self, item: QListWidgetItem | None, _before: QListWidgetItem | None) -> None:
        if item is not None:
            self.choose(item.data(Qt.ItemDataRole.UserRole))

    def _on_pick_button(self, is_checked: bool) -> None:
        if is_checked:
            self._canvas.setMapTool(self.tool)
        else:
            self._canvas.unsetMapTool(self.tool)

    # Export

    def _on_picture(self) -> None:
        path = self._chosen_file(tr("Save the chart"), tr("Pictures (*.png)"), ".png")
        if path is None:
            return
        try:
            self.ui.chartView.save_picture(str(path))
        except OSError as error:
            text = tr("{} cannot be written ({}). Choose another place.")
            self.ui.chartState.show_problem(text.format(path, error.strerror))
        else:
            self._messages.success(tr("The chart is saved as {}.").format(path.name), path.parent)

    def _on_table(self) -> None:
        path = self._chosen_file(tr("Save the values"), tr("Tables (*.csv)"), ".csv")
        if path is None:
            return
        try:
            write_table(path, self.pins())
        except StorageError as error:
            self.ui.chartState.show_problem(str(error))
        else:
            self._messages.success(tr("The values are saved as {}.").format(path.name), path.parent)

    def _chosen_file(self, title: str, kinds: str, suffix: str) -> Path | None:
        text, _kind = QFileDialog.getSaveFileName(self, title, f"pixel_curve{suffix}", kinds)
        if not text:
            return None
        return Path(text) if Path(text).suffix else Path(text + suffix)


def pin_icon(number: int) -> QIcon:
    """A disc in the pin's colour with its number."""
    pixmap = QPixmap(2 * ICON_PX, 2 * ICON_PX)
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor("white"), 1.2))
    painter.setBrush(QColor(pin_colour(number)))
    painter.drawEllipse(QRectF(0.6, 0.6, ICON_PX - 1.2, ICON_PX - 1.2))
    font = painter.font()
    font.setPixelSize(round(0.65 * ICON_PX))
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(QColor("white"))
    painter.drawText(0, 0, ICON_PX, ICON_PX, Qt.AlignmentFlag.AlignCenter, str(number))
    painter.end()
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)  # a chosen pin keeps its colour
    return icon
