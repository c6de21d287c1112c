"""From a product on disk to the scenes it holds, and to the rasters their bands are read from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from xml.etree import ElementTree

from osgeo import gdal

from ....core.scenes import BANDS, QUALITY_BANDS
from ...errors import SceneError
from .band_sources import BandSource, NumberSource
from .granules import Granule, granules, require_all_bands, require_usable_bands
from .pyramid import NODATA
from .quality import quality_records, quality_sources
from .radiometry import LEVEL_1C, level_of, radiometry
from .rasters import corner_ring, grid_of, open_raster, require_integers
from .records import STACK, BandRecord, SceneProblem, SceneRecord
from .safe import granule_facts, product_metadata
from .sources import Product, SafeFiles, safe_files
from .stack import is_stack, read_stack

SAFE_TYPES = (gdal.GDT_UInt16, gdal.GDT_Int16)
"""What a band of a product may hold; JPEG 2000 written with 15 bits or fewer opens as Int16."""
CLASS_TYPES = (*SAFE_TYPES, gdal.GDT_Byte)
"""What the scene classification may hold."""
NO_CLASS = 0
"""The class of pixels without value in the scene classification."""


def read_product(product: Product) -> tuple[list[SceneRecord], list[SceneProblem]]:
    """The scenes of a product and why any of them cannot be used; never raises for what a product may contain."""
    if product.kind == STACK:
        if not is_stack(product.path):
            return [], []
        return _collect(product, [partial(_stack_record, product)])
    try:
        files = safe_files(product)
        root = product_metadata(files)
        found = granules(files)
    except SceneError as error:
        return [], [problem(product.name, error)]
    is_only = len(found) == 1
    return _collect(product, [partial(_safe_record, product, files, root, granule, is_only) for granule in found])


def band_sources(product: Product, record: SceneRecord) -> Mapping[str, BandSource]:
    """Where the bands of a scene are read, found anew from the product; SceneError where it cannot be used."""
    if product.kind == STACK:
        return _stack_sources(product)
    files = safe_files(product)
    root = product_metadata(files)
    granule = next((part for part in granules(files) if part.id == record.properties.get("GRANULE_ID")), None)
    if granule is None:
        raise SceneError(f"the granule {record.properties.get('GRANULE_ID')} is gone.")
    _require_bands(root, granule)
    sources = {**_safe_sources(files, root, granule), **quality_sources(files, granule)}
    gone = [band.name for band in record.bands if band.name not in sources]
    if gone:
        raise SceneError(f"{', '.join(gone)} gone since the scenes folder was last read; refresh the scenes.")
    return sources


def problem(product: str, error: Exception) -> SceneProblem:
    """What went wrong with a product, as a sentence that names it."""
    return SceneProblem(product, f"{product}: {error}")


def _collect(
    product: Product, readers: Iterable[Callable[[], SceneRecord]]
) -> tuple[list[SceneRecord], list[SceneProblem]]:
    records: list[SceneRecord] = []
    problems: list[SceneProblem] = []
    for read in readers:
        try:
            records.append(read())
        except SceneError as error:
            problems.append(problem(product.name, error))
    return records, problems


def _safe_record(
    product: Product, files: SafeFiles, root: ElementTree.Element, granule: Granule, is_only_granule: bool
) -> SceneRecord:
    _require_bands(root, granule)
    bands = [_band_record(files, band, granule.bands[band]) for band in BANDS if band in granule.bands]
    if "SCL" in granule.bands:
        bands.append(_band_record(files, "SCL", granule.bands["SCL"]))
    bands += quality_records(files, granule, bands[0].grid)
    facts = granule_facts(files, root, granule, is_only_granule)
    ring = facts.footprint or corner_ring(bands[0].grid)
    collection = level_of(root).collection
    return SceneRecord(collection, facts.index, product.name, product.kind, facts.properties, ring, _ordered(bands))


def _require_bands(root: ElementTree.Element, granule: Granule) -> None:
    """Level-1C is whole or damaged; Level-2A is also made, and fetched, for some resolutions only."""
    if level_of(root) is LEVEL_1C:
        require_all_bands(granule.bands)
    else:
        require_usable_bands(granule.bands)


def _safe_sources(files: SafeFiles, root: ElementTree.Element, granule: Granule) -> dict[str, BandSource]:
    values = radiometry(root)
    sources: dict[str, BandSource] = {}
    for band, name in granule.bands.items():
        path = files.gdal_path(name)
        if band == "SCL":
            sources[band] = NumberSource(path, 1, nodata=(NO_CLASS,))
        elif band in values.offsets:
            sources[band] = NumberSource(path, 1, values.offsets[band], (values.nodata,), values.saturated)
    return sources


def _band_record(files: SafeFiles, band: str, name: str) -> BandRecord:
    label = f"band {band} ({name.rpartition('/')[2]})"
    dataset = open_raster(files.gdal_path(name), label)
    require_integers(dataset, label, types=CLASS_TYPES if band == "SCL" else SAFE_TYPES)
    return BandRecord(band, grid_of(dataset, label))


def _stack_record(product: Product) -> SceneRecord:
    facts = read_stack(product.path)
    bands = [BandRecord(band, facts.grid) for band in facts.band_numbers]
    collection, properties = facts.level.collection, facts.properties
    return SceneRecord(collection, facts.index, product.name, STACK, properties, facts.footprint, _ordered(bands))


def _stack_sources(product: Product) -> dict[str, BandSource]:
    facts = read_stack(product.path)
    sources: dict[str, BandSource] = {}
    for band, number in facts.band_numbers.items():
        nodata: tuple[int, ...] = (facts.nodata,)
        if band == "SCL":
            nodata = (facts.nodata, NO_CLASS)
        elif band in QUALITY_BANDS and facts.nodata == 0:
            nodata = (NODATA,)  # a file has one nodata value for all bands: by 0, a mask would lose what it calls clear
        sources[band] = NumberSource(str(product.path), number, 0, nodata)
    return sources


def _ordered(bands: Iterable[BandRecord]) -> tuple[BandRecord, ...]:
    """Bands in Earth Engine's order."""
    order = (*BANDS, *QUALITY_BANDS)
    return tuple(sorted(bands, key=lambda band: order.index(band.name)))
