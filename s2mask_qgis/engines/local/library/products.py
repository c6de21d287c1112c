"""From a product on disk to the scenes it holds, and to the rasters their bands are read from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from osgeo import gdal

from ....core.scenes import BANDS
from ...errors import SceneError
from .rasters import corner_ring, grid_of, open_raster, require_integers
from .records import STACK, BandRecord, SceneProblem, SceneRecord
from .safe import Granule, granule_facts, granules, product_metadata, radiometry, require_all_bands
from .sources import Product, SafeFiles, safe_files
from .stack import is_stack, read_stack

SAFE_TYPES = (gdal.GDT_UInt16, gdal.GDT_Int16)
"""What a band of a product may hold; JPEG 2000 written with 15 bits or fewer opens as Int16."""


@dataclass(frozen=True)
class BandSource:
    """Where the digital numbers of a band are read (GDAL path, 1-based band) and what they mean."""

    path: str
    number: int
    offset: int
    nodata: int
    saturated: int | None


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

    def record(granule: Granule) -> SceneRecord:
        require_all_bands(list(granule.bands))
        bands = tuple(_band_record(files, band, granule.bands[band]) for band in BANDS)
        facts = granule_facts(files, root, granule, is_only_granule=len(found) == 1)
        ring = facts.footprint or corner_ring(bands[0].grid)
        return SceneRecord(facts.index, product.name, product.kind, facts.properties, ring, bands)

    return _collect(product, [partial(record, granule) for granule in found])


def band_sources(product: Product, record: SceneRecord) -> Mapping[str, BandSource]:
    """Where the bands of a scene are read, found anew from the product; SceneError where it cannot be used."""
    if product.kind == STACK:
        facts = read_stack(product.path)
        return {band: BandSource(str(product.path), facts.band_numbers[band], 0, facts.nodata, None) for band in BANDS}
    files = safe_files(product)
    values = radiometry(product_metadata(files))
    granule = next((part for part in granules(files) if part.id == record.properties.get("GRANULE_ID")), None)
    if granule is None:
        raise SceneError(f"the granule {record.properties.get('GRANULE_ID')} is gone.")
    require_all_bands(list(granule.bands))
    return {
        band: BandSource(files.gdal_path(granule.bands[band]), 1, values.offsets[band], values.nodata, values.saturated)
        for band in BANDS
    }


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


def _stack_record(product: Product) -> SceneRecord:
    facts = read_stack(product.path)
    bands = tuple(BandRecord(band, facts.grid) for band in BANDS)
    return SceneRecord(facts.index, product.name, STACK, facts.properties, facts.footprint, bands)


def _band_record(files: SafeFiles, band: str, name: str) -> BandRecord:
    label = f"band {band} ({name.rpartition('/')[2]})"
    dataset = open_raster(files.gdal_path(name), label)
    require_integers(dataset, label, types=SAFE_TYPES)
    return BandRecord(band, grid_of(dataset, label))
