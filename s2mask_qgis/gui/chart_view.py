"""The widget that shows the pixel chart: matplotlib's picture, and over it what the mouse points at."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, pyqtSignal
from qgis.PyQt.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from qgis.PyQt.QtWidgets import QSizePolicy, QWidget

from .chart_hover import Hit, hit_at
from .chart_scene import ChartScene, Theme
from .wording import tr

REDRAW_MS = 30
"""Sizes and zooms that follow each other within this time are drawn once."""

ZOOM = 1.25
LEAST_DAYS = 20.0
PADDING_PX = 5
EXPORT_INCHES, EXPORT_DPI = (11.0, 4.5), 200


class ChartView(QWidget):
    """Shows one ChartScene; the wheel zooms the time, a double click shows all of it.

    ``painted`` follows every new picture. The picture is drawn by matplotlib's own renderer into memory, which needs
    none of its windows and so none of its bindings to Qt.
    """

    painted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.scene = ChartScene()
        self.hit: Hit | None = None
        self._picture: QImage | None = None
        self._frame: Any = None
        self._days: tuple[float, float] | None = None
        self._is_new = False
        self._model: QWidget = self
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REDRAW_MS)
        self._timer.timeout.connect(self._redraw)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 120)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Room for a year of observations."""
        return QSize(700, 260)

    def dress_like(self, model: QWidget) -> None:
        """Take the colours of another widget: style sheets of QGIS's dark themes reach those of known kinds alone."""
        self._model = model
        self._timer.start()

    def show_scene(self, scene: ChartScene) -> None:
        """Show a scene from now on. ImportError where matplotlib is missing."""
        self.scene = scene
        self.hit = None
        if not scene.pins:
            self._days = None
        self._redraw()

    def save_picture(self, path: str) -> None:
        """Write the chart as a PNG with a legend, in colours for paper. OSError where it cannot be written."""
        from .chart_drawing import draw

        theme = Theme("#ffffff", "#202020", "#808080", self.font().family(), 9.0)
        axes = draw(EXPORT_INCHES, EXPORT_DPI, self.scene, theme, self._days)
        axes.figure.savefig(path, dpi=EXPORT_DPI, format="png")

    def theme(self) -> Theme:
        """The colours and the font of the system."""
        palette = self._model.palette()
        roles = (QPalette.ColorRole.Base, QPalette.ColorRole.Text, QPalette.ColorRole.PlaceholderText)
        ground, text, faint = (palette.color(role) for role in roles)
        faint = mixed(ground, text, 0.5) if faint.alpha() < 255 or faint == text else faint
        size = self.font().pointSizeF()
        return Theme(ground.name(), text.name(), faint.name(), self.font().family(), size if size > 0 else 9.0)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Paint the picture, and the hit over it."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.theme().ground))
        if self._picture is not None and self.scene.pins:
            painter.drawImage(0, 0, self._picture)
        elif not self.scene.pins:
            painter.setPen(QColor(self.theme().faint))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, tr("The curves of a pixel appear here."))
        if self.hit is not None:
            self._paint_hit(painter, self.hit)
        painter.end()
        if self._is_new:
            self._is_new = False
            self.painted.emit()

    def resizeEvent(self, _event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Draw anew for the new size."""
        self._timer.start()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Follow the system's colours and font."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._timer.start()
        super().changeEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Tell what is under the mouse."""
        self._point_at(event.pos().x(), event.pos().y())

    def leaveEvent(self, _event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Forget what was under the mouse."""
        self.hit = None
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 (Qt's name)
        """Zoom the time around the mouse."""
        if self._frame is None:
            return
        factor = ZOOM ** (-event.angleDelta().y() / 120)
        (first, last), middle = self._frame.days, self._frame.day(event.position().x())
        if (last - first) * factor >= LEAST_DAYS:
            self._days = middle - (middle - first) * factor, middle + (last - middle) * factor
            self._timer.start()

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Show all of the time."""
        self._days = None
        self._timer.start()

    def _redraw(self) -> None:
        self._timer.stop()
        if self.scene.pins and self.width() > 0 and self.height() > 0:
            from .chart_drawing import draw, frame_of

            ratio = self.devicePixelRatioF()
            dpi = self.logicalDpiX() * ratio
            size = self.width() * ratio / dpi, self.height() * ratio / dpi
            axes = draw(size, dpi, self.scene, self.theme(), self._days)
            self._frame = frame_of(axes, ratio)
            self._picture = picture_of(axes.figure, ratio)
        self._is_new = True
        self.update()

    def _point_at(self, x: float, y: float) -> None:
        hit = hit_at(self._frame, self.scene, x, y) if self._frame is not None and self.scene.pins else None
        if hit != self.hit:
            self.hit = hit
            self.update()

    def _paint_hit(self, painter: QPainter, hit: Hit) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().color(QPalette.ColorRole.ToolTipText)
        painter.setPen(QPen(QColor(self.theme().text), 1.5))
        painter.drawEllipse(QPointF(hit.x, hit.y), 5.5, 5.5)
        box = QRectF(painter.fontMetrics().boundingRect(self.rect(), Qt.AlignmentFlag.AlignLeft, hit.text))
        box.adjust(-PADDING_PX, -PADDING_PX, PADDING_PX, PADDING_PX)
        x = hit.x + 12 if hit.x + 12 + box.width() < self.width() else hit.x - 12 - box.width()
        y = min(max(hit.y - 12 - box.height(), 2.0), self.height() - box.height() - 2.0)
        box.moveTo(max(x, 2.0), y)
        painter.setPen(text)
        painter.setBrush(self.palette().color(QPalette.ColorRole.ToolTipBase))
        painter.drawRoundedRect(box, 3, 3)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, hit.text)


def mixed(first: QColor, second: QColor, share: float) -> QColor:
    """A colour between two, ``share`` of the second."""
    parts = zip(first.getRgb()[:3], second.getRgb()[:3])
    return QColor(*(round(one + share * (other - one)) for one, other in parts))


def picture_of(figure: Any, pixel_ratio: float) -> QImage:
    """What was drawn, as a picture of Qt's own."""
    width, height = figure.canvas.get_width_height()
    pixels = bytes(figure.canvas.buffer_rgba())
    picture = QImage(pixels, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()
    picture.setDevicePixelRatio(pixel_ratio)
    return picture
