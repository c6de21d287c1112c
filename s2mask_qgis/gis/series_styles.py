"""How the maps of a series are coloured: ramps and classes that colour-blind people can read, made in code.

Days of the year depend on the year, and classes on what is known of the methods, so these styles are no files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from qgis.core import (
    QgsColorRampShader,
    QgsGradientColorRamp,
    QgsGradientStop,
    QgsPalettedRasterRenderer,
    QgsRasterShader,
    QgsSingleBandPseudoColorRenderer,
)
from qgis.PyQt.QtCore import QCoreApplication, QDate, QLocale
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtXml import QDomDocument

VEGETATION = ("#efe6da", "#cda468", "#a9a44a", "#6d9440", "#2d7340", "#08402f")
"""From bare to green with steadily falling lightness, that of the style of NDVI."""

LIGHT_TO_DARK = ("#fdf6ec", "#f2cfa0", "#d99a5b", "#a7622f", "#5c2f16")
"""For what is better where there is little of it."""

SEQUENCE = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")
"""Viridis (van der Walt and Smith 2015, CC0): days and counts."""

DIVERGING = ("#5e3c99", "#b2abd2", "#f7f7f7", "#fdb863", "#e66101")
"""Violet below and orange above (ColorBrewer PuOr turned round, Apache 2.0)."""

OBSERVED = "#00ffffff"
"""Transparent, so that the value itself is seen."""

ORDER_ONE, ORDER_TEN = "#b3cde3", "#08306b"
OTHER_METHODS = ("#e69f00", "#cc79a7", "#009e73", "#d55e00")
"""Of Okabe and Ito's palette (2008), for methods without orders."""


@dataclass(frozen=True)
class BandStyle:
    """``entries`` are (value, colour, text of the legend); values between them are interpolated, or are no class."""

    heading: str
    entries: tuple[tuple[float, str, str], ...]
    is_interpolated: bool = True

    def document(self, band: int) -> QDomDocument:
        """The style as QGIS's own XML for one band of a raster."""
        document = QDomDocument()
        root = document.createElement("qgis")
        root.setAttribute("styleCategories", "Symbology")
        document.appendChild(root)
        pipe = document.createElement("pipe")
        root.appendChild(pipe)
        renderer = self._ramp(band) if self.is_interpolated else self._classes(band)
        renderer.writeXml(document, pipe)
        return document

    def _ramp(self, band: int) -> QgsSingleBandPseudoColorRenderer:
        low, high = self.entries[0][0], self.entries[-1][0]
        function = QgsColorRampShader(low, high, None, QgsColorRampShader.Interpolated)
        function.setColorRampItemList(
            [QgsColorRampShader.ColorRampItem(value, QColor(colour), text) for value, colour, text in self.entries]
        )
        settings = function.legendSettings()
        settings.setUseContinuousLegend(False)
        function.setLegendSettings(settings)
        shader = QgsRasterShader(low, high)
        shader.setRasterShaderFunction(function)
        renderer = QgsSingleBandPseudoColorRenderer(None, band, shader)
        renderer.setClassificationMin(low)
        renderer.setClassificationMax(high)
        return renderer

    def _classes(self, band: int) -> QgsPalettedRasterRenderer:
        classes = [QgsPalettedRasterRenderer.Class(value, QColor(colour), text) for value, colour, text in self.entries]
        return QgsPalettedRasterRenderer(None, band, classes)


def index_style(name: str) -> BandStyle:
    """A vegetation index from -0.2 to 1."""
    return ramp(tr("{} (no unit)").format(name), (-0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0), VEGETATION)


def uncertainty_style(name: str) -> BandStyle:
    """The standard error of a filled value."""
    return ramp(tr("Standard error of {}").format(name), (0.0, 0.05, 0.1, 0.15, 0.2), LIGHT_TO_DARK)


def quality_style(words: dict[int, str]) -> BandStyle:
    """Classes of quality by code; ``words`` names each code."""
    orders = sorted(code for code in words if 0 < code <= 100)
    others = sorted(code for code in words if code > 100)
    colours = dict.fromkeys(words, OBSERVED)
    colours |= dict(zip(orders, colours_along((ORDER_ONE, ORDER_TEN), len(orders))))
    colours |= {code: OTHER_METHODS[number % len(OTHER_METHODS)] for number, code in enumerate(others)}
    entries = tuple((code, colours[code], tr(words[code])) for code in sorted(words))
    return BandStyle(tr("How the value came about"), entries, is_interpolated=False)


def day_style(heading: str, year: int, first_month: int = 1) -> BandStyle:
    """Days of the year, 1 being 1 January of ``year``, over twelve months from ``first_month`` on (0 and less: of the
    year before); the legend names the first days of the months."""
    months = [date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1) for month in range(first_month, first_month + 13)]
    days = [(month - date(year, 1, 1)).days + 1 for month in months]
    colours = colours_along(SEQUENCE, len(days))
    texts = [day_of_year_text(day, year) for day in days]
    return BandStyle(heading, tuple(zip(days, colours, texts)))


def day_of_year_text(day: float, year: int) -> str:
    """A day of the year as a date: 133.4 is "12 May" in a leap year; the year is named where it is another one."""
    there = QDate(year, 1, 1).addDays(math.floor(day) - 1)
    text = QLocale().toString(there, "d MMM")
    return text if there.year() == year else f"{text} {there.year()}"


def amount_style(heading: str, high: float, colours: Sequence[str] = VEGETATION) -> BandStyle:
    """Amounts from 0 to ``high`` in five steps."""
    return ramp(heading, [high * step / 5 for step in range(6)], colours)


def change_style(heading: str, most: float) -> BandStyle:
    """Changes from less to more, none in the middle."""
    return ramp(heading, (-most, -most / 2, 0.0, most / 2, most), DIVERGING)


def ramp(heading: str, values: Sequence[float], colours: Sequence[str]) -> BandStyle:
    """Values with evenly spread colours and their numbers as texts."""
    spread = colours_along(colours, len(values))
    return BandStyle(heading, tuple((value, colour, f"{value:.3g}") for value, colour in zip(values, spread)))


def colours_along(colours: Sequence[str], count: int) -> list[str]:
    """``count`` colours evenly along a gradient."""
    last = len(colours) - 1
    stops = [QgsGradientStop(n / last, QColor(colour)) for n, colour in enumerate(colours)][1:-1]
    gradient = QgsGradientColorRamp(QColor(colours[0]), QColor(colours[-1]), False, stops)
    return [gradient.color(number / max(count - 1, 1)).name() for number in range(count)]


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate("SeriesLayers", text)
