"""Pins: the places whose pixels the chart shows, and their numbered markers on the map."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsPointXY,
    QgsProject,
)
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem
from qgis.PyQt.QtCore import QPoint, QPointF, QRectF, Qt
from qgis.PyQt.QtGui import QColor, QFont, QPainter, QPainterPath, QPen
from qgis.PyQt.QtWidgets import QStyleOptionGraphicsItem, QWidget

from ..jobs.pixel_curves import PixelCurves
from .chart_scene import PIN_COLOURS, pin_colour

MOST_PINS = len(PIN_COLOURS)

RADIUS_PX = 10.0
STEM_PX = 24.0
"""From the pixel up to the middle of the pin's head."""

MARKER_ORDER = 500
"""Above rubber bands, as the markers shall be taken hold of."""


@dataclass(frozen=True)
class Grip:
    """A pin that is taken hold of; ``offset`` (pixels) is from its tip to the place of the hand."""

    number: int
    offset: QPoint


@dataclass(frozen=True)
class Pin:
    """A place (``point`` in ``crs``) with what is known of it: ``curves`` once read, or a ``problem`` (a sentence)."""

    number: int
    point: QgsPointXY
    crs: QgsCoordinateReferenceSystem
    curves: PixelCurves | None = None
    problem: str = ""


def moved_to(
    point: QgsPointXY, source: QgsCoordinateReferenceSystem, target: QgsCoordinateReferenceSystem
) -> QgsPointXY | None:
    """A point in another coordinate system; None where it has none there."""
    try:
        return QgsCoordinateTransform(source, target, QgsProject.instance()).transform(point)
    except QgsCsException:
        return None


class PinMarker(QgsMapCanvasItem):
    """A pin on the map: a numbered head on a stem whose tip is at the place."""

    def __init__(self, canvas: QgsMapCanvas, number: int) -> None:
        super().__init__(canvas)
        self.number = number
        self.is_current = False
        self._canvas = canvas
        self._point: QgsPointXY | None = None
        self.setZValue(MARKER_ORDER + number)

    def show_at(self, point: QgsPointXY | None) -> None:
        """Stand at a point in the map's coordinate system, or nowhere."""
        self._point = point
        self.setVisible(point is not None)
        self.updatePosition()

    def show_current(self, is_current: bool) -> None:
        """Show whether the chart shows this pin in full."""
        self.is_current = is_current
        self.setZValue(MARKER_ORDER + (MOST_PINS + 1 if is_current else self.number))
        self.update()

    def grip(self, place: QPoint) -> Grip | None:
        """The grip on this pin at a place of the canvas widget: on its head or stem."""
        offset = place - self.pos().toPoint()
        is_on_stem = abs(offset.x()) <= RADIUS_PX / 2 and -STEM_PX <= offset.y() <= 2
        is_on_head = hypot(offset.x(), offset.y() + STEM_PX) <= RADIUS_PX + 1
        return Grip(self.number, offset) if self.isVisible() and (is_on_stem or is_on_head) else None

    def updatePosition(self) -> None:  # noqa: N802 (QGIS's name)
        """Follow the map; called by QGIS when its extent changes."""
        if self._point is not None:
            self.setPos(self.toCanvasCoordinates(self._point))

    def boundingRect(self) -> QRectF:  # noqa: N802 (Qt's name)
        """What is painted, around the tip."""
        return QRectF(-RADIUS_PX - 3, -STEM_PX - RADIUS_PX - 3, 2 * RADIUS_PX + 6, STEM_PX + RADIUS_PX + 6)

    def paint(
        self,
        painter: QPainter,
        _option: QStyleOptionGraphicsItem | None = None,
        _widget: QWidget | None = None,
    ) -> None:
        """Paint the pin; called by Qt."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor("#202020") if self.is_current else QColor("white"), 1.6))
        painter.setBrush(QColor(pin_colour(self.number)))
        painter.drawPath(_outline())
        font = QFont(self._canvas.font())
        font.setPixelSize(round(1.2 * RADIUS_PX))
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor("white"))
        head = QRectF(-RADIUS_PX, -STEM_PX - RADIUS_PX, 2 * RADIUS_PX, 2 * RADIUS_PX)
        painter.drawText(head, Qt.AlignmentFlag.AlignCenter, str(self.number))


class PinMarkers:
    """The markers of all pins on one map canvas."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        self._canvas = canvas
        self._markers: dict[int, PinMarker] = {}

    def show(self, pins: dict[int, Pin], current: int | None) -> None:
        """Show exactly these pins."""
        for number in set(self._markers) - set(pins):
            self._canvas.scene().removeItem(self._markers.pop(number))
        crs = self._canvas.mapSettings().destinationCrs()
        for number, pin in pins.items():
            if number not in self._markers:
                self._markers[number] = PinMarker(self._canvas, number)
            self._markers[number].show_at(moved_to(pin.point, pin.crs, crs))
            self._markers[number].show_current(number == current)

    def grip_at(self, place: QPoint) -> Grip | None:
        """The grip on the uppermost pin at a place of the canvas widget."""
        markers = sorted(self._markers.values(), key=lambda marker: -marker.zValue())
        return next((grip for grip in (marker.grip(place) for marker in markers) if grip), None)


def _outline() -> QPainterPath:
    """Head and stem in one line, the tip at the origin."""
    path = QPainterPath(QPointF(0, 0))
    middle = QPointF(0, -STEM_PX)
    box = QRectF(middle.x() - RADIUS_PX, middle.y() - RADIUS_PX, 2 * RADIUS_PX, 2 * RADIUS_PX)
    path.arcTo(box, -35, 250)
    path.closeSubpath()
    return path
