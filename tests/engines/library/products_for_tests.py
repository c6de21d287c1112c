"""Writes small products for the tests of the scene library: SAFE folders of both levels, zips and stacks."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
TOULOUSE = "alcd-toulouse"
CLEAR = "S2A_MSIL1C_20240120T105341_N0510_R051_T31TCJ_20240120T125244.SAFE"
CLOUDY = "S2B_MSIL1C_20240305T104819_N0510_R051_T31TCJ_20240305T125347.SAFE"
CLEAR_INDEX = "20240120T105341_20240120T105433_T31TCJ"
CLOUDY_INDEX = "20240305T104819_20240305T105512_T31TCJ"

PRODUCT_XML = """<?xml version="1.0"?>
<p:Level-1C_User_Product xmlns:p="urn:product"><p:General_Info><Product_Info>
<PRODUCT_START_TIME>2016-03-04T10:20:30.456Z</PRODUCT_START_TIME>{uri}
<PROCESSING_LEVEL>{level}</PROCESSING_LEVEL><PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
<GENERATION_TIME>{generated}</GENERATION_TIME></Product_Info>
<Product_Image_Characteristics><QUANTIFICATION_VALUE>{quantification}</QUANTIFICATION_VALUE>{offsets}
</Product_Image_Characteristics></p:General_Info>
<p:Geometric_Info><Global_Footprint><EXT_POS_LIST>{footprint}</EXT_POS_LIST></Global_Footprint></p:Geometric_Info>
<p:Quality_Indicators_Info><Cloud_Coverage_Assessment>12.5</Cloud_Coverage_Assessment></p:Quality_Indicators_Info>
</p:Level-1C_User_Product>"""
TILE_XML = """<?xml version="1.0"?>
<t:Level-1C_Tile_ID xmlns:t="urn:tile"><t:General_Info><SENSING_TIME>2016-03-04T10:24:50.123987Z</SENSING_TIME>
</t:General_Info><t:Quality_Indicators_Info><CLOUDY_PIXEL_PERCENTAGE>7.25</CLOUDY_PIXEL_PERCENTAGE>
</t:Quality_Indicators_Info></t:Level-1C_Tile_ID>"""
L2A_PRODUCT_XML = """<?xml version="1.0"?>
<p:Level-2A_User_Product xmlns:p="urn:product"><p:General_Info><Product_Info>
<PRODUCT_START_TIME>2016-03-04T10:20:30.456Z</PRODUCT_START_TIME>
<PROCESSING_LEVEL>Level-2A</PROCESSING_LEVEL><PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
<GENERATION_TIME>2016-03-04T14:00:00.000Z</GENERATION_TIME></Product_Info>
<Product_Image_Characteristics><QUANTIFICATION_VALUES_LIST><{divisor}>10000</{divisor}>
<AOT_QUANTIFICATION_VALUE>1000.0</AOT_QUANTIFICATION_VALUE></QUANTIFICATION_VALUES_LIST>{offsets}
</Product_Image_Characteristics></p:General_Info>
<p:Geometric_Info><Global_Footprint><EXT_POS_LIST>{footprint}</EXT_POS_LIST></Global_Footprint></p:Geometric_Info>
<p:Quality_Indicators_Info><Cloud_Coverage_Assessment>12.5</Cloud_Coverage_Assessment></p:Quality_Indicators_Info>
</p:Level-2A_User_Product>"""
L2A_TILE_XML = """<?xml version="1.0"?>
<t:Level-2A_Tile_ID xmlns:t="urn:tile"><t:General_Info><SENSING_TIME>2016-03-04T10:24:50.123987Z</SENSING_TIME>
</t:General_Info><t:Geometric_Info><Tile_Angles><Mean_Sun_Angle><ZENITH_ANGLE unit="deg">55.5</ZENITH_ANGLE>
<AZIMUTH_ANGLE unit="deg">155.25</AZIMUTH_ANGLE></Mean_Sun_Angle></Tile_Angles></t:Geometric_Info>
<t:Quality_Indicators_Info><CLOUDY_PIXEL_PERCENTAGE>7.25</CLOUDY_PIXEL_PERCENTAGE></t:Quality_Indicators_Info>
</t:Level-2A_Tile_ID>"""
L2A_NAME = "S2A_MSIL2A_20160304T102030_N0510_R008_T31TEK_20160304T140000.SAFE"
L2A_GRANULE = "L2A_T31TEK_A003627_20160304T102441"
FOOTPRINT = "45.1 3.0 45.1 3.1 45.0 3.1 45.0 3.0 45.1 3.0 "


def product_xml(baseline: str = "05.10", offset: int | None = -1000, **changes: str) -> str:
    """Metadata of a product; ``offset`` None leaves the offset list out."""
    offsets = "".join(
        f'<RADIO_ADD_OFFSET band_id="{number}">{offset}</RADIO_ADD_OFFSET>' for number in range(len(BANDS))
    )
    values = {
        "uri": "",
        "level": "Level-1C",
        "generated": "2016-03-04T12:00:00.000Z",
        "quantification": "10000",
        "footprint": FOOTPRINT,
    }
    values |= changes
    return PRODUCT_XML.format(baseline=baseline, offsets="" if offset is None else offsets, **values)


def l2a_product_xml(
    baseline: str = "05.10", offset: int | None = -1000, divisor: str = "BOA_QUANTIFICATION_VALUE"
) -> str:
    """Metadata of a Level-2A product; ``offset`` None leaves the offset list out."""
    listed = "".join(f'<BOA_ADD_OFFSET band_id="{number}">{offset}</BOA_ADD_OFFSET>' for number in range(13))
    offsets = "" if offset is None else f"<BOA_ADD_OFFSET_VALUES_LIST>{listed}</BOA_ADD_OFFSET_VALUES_LIST>"
    return L2A_PRODUCT_XML.format(baseline=baseline, divisor=divisor, offsets=offsets, footprint=FOOTPRINT)


def write_raster(
    path: Path,
    pixels: np.ndarray,
    scale_m: float = 10.0,
    epsg: int = 32631,
    nodata: int | None = None,
    names: Sequence[str] = (),
) -> Path:
    """A GeoTIFF of (bands, rows, columns) pixels, of Byte or UInt16, whose upper left corner is 500000, 5000000.

    Bands are called ``names``, 13 without names as those of Level-1C.
    """
    bands, rows, columns = pixels.shape
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = gdal.GDT_Byte if pixels.dtype == np.uint8 else gdal.GDT_UInt16
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, bands, kind)
    names = names or (BANDS if bands == len(BANDS) else ())
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.SetGeoTransform((500000.0, scale_m, 0.0, 5000000.0, 0.0, -scale_m))
    for number in range(bands):
        band = dataset.GetRasterBand(number + 1)
        if names:
            band.SetDescription(names[number])
        if nodata is not None:
            band.SetNoDataValue(nodata)
        band.WriteArray(pixels[number])
    dataset.FlushCache()
    return path


def file_band(band: str) -> str:
    """The band's name in file names: B01 for B1."""
    return band if band == "B8A" else f"B{int(band[1:]):02d}"


def write_safe(
    folder: Path,
    bands: Mapping[str, np.ndarray],
    name: str = "S2A_MSIL1C_20160304T102030_N0510_R008_T31TEK_20160304T120000.SAFE",
    granule: str = "L1C_T31TEK_A003627_20160304T102441",
    xml: str | None = None,
) -> Path:
    """A SAFE folder with GeoTIFF bands at 10 m."""
    safe = folder / name
    image_data = safe / "GRANULE" / granule / "IMG_DATA"
    image_data.mkdir(parents=True)
    (safe / "MTD_MSIL1C.xml").write_text(xml or product_xml())
    (safe / "GRANULE" / granule / "MTD_TL.xml").write_text(TILE_XML)
    for band, pixels in bands.items():
        write_raster(image_data / f"T31TEK_20160304T102030_{file_band(band)}.tif", pixels[np.newaxis])
    return safe


def write_safe_l2a(
    folder: Path, bands: Mapping[tuple[str, int], np.ndarray], xml: str | None = None, name: str = L2A_NAME
) -> Path:
    """A Level-2A SAFE folder of the same granule as :func:`write_safe`, with GeoTIFF bands by (name, scale in m)."""
    safe = folder / name
    granule = safe / "GRANULE" / L2A_GRANULE
    granule.mkdir(parents=True)
    (safe / "MTD_MSIL2A.xml").write_text(xml or l2a_product_xml())
    (granule / "MTD_TL.xml").write_text(L2A_TILE_XML)
    for (band, scale_m), pixels in bands.items():
        stem = band if band == "SCL" else file_band(band)
        path = granule / "IMG_DATA" / f"R{scale_m}m" / f"T31TEK_20160304T102030_{stem}_{scale_m}m.tif"
        write_raster(path, pixels[np.newaxis], float(scale_m))
    return safe


def cloud_gml(clouds: Sequence[tuple[str, str, Sequence[str]]], epsg: int = 32631, size: int = 2) -> str:
    """Cloud polygons as products before baseline 04.00 have them: (type, corners of the outer ring, those of holes)."""
    positions = f'<gml:LinearRing><gml:posList srsDimension="{size}">{{}}</gml:posList></gml:LinearRing>'
    features = ""
    for kind, outer, holes in clouds:
        inside = "".join(f"<gml:interior>{positions.format(hole)}</gml:interior>" for hole in holes)
        features += (
            f'<eop:MaskFeature><eop:maskType codeSpace="urn:gs2:S2PDGS:maskType">{kind}</eop:maskType><eop:extentOf>'
            f"<gml:Polygon><gml:exterior>{positions.format(outer)}</gml:exterior>{inside}</gml:Polygon>"
            "</eop:extentOf></eop:MaskFeature>"
        )
    return (
        '<?xml version="1.0"?><eop:Mask xmlns:eop="http://www.opengis.net/eop/2.0" '
        'xmlns:gml="http://www.opengis.net/gml/3.2"><gml:boundedBy><gml:Envelope '
        f'srsName="urn:ogc:def:crs:EPSG:8.7:{epsg}"/></gml:boundedBy>'
        f"<eop:maskMembers>{features}</eop:maskMembers></eop:Mask>"
    )


def same_bands(value: int = 3000, shape: tuple[int, int] = (4, 5)) -> dict[str, np.ndarray]:
    """13 bands of one value."""
    return {band: np.full(shape, value, np.uint16) for band in BANDS}


def write_stack(
    folder: Path,
    name: str = "stack",
    pixels: np.ndarray | None = None,
    names: Sequence[str] = (),
    nodata: int = 0,
    **changes: object,
) -> Path:
    """A GeoTIFF with its JSON; ``changes`` replace properties (None removes one; : is written __)."""
    pixels = np.full((len(names) or 13, 6, 7), 2000, np.uint16) if pixels is None else pixels
    path = write_raster(folder / f"{name}.tif", pixels, nodata=nodata, names=names)
    properties = {
        "system:index": name,
        "system:time_start": 1457087090123,
        "MGRS_TILE": "31TEK",
        "CLOUDY_PIXEL_PERCENTAGE": 3,
    }
    properties |= {key.replace("__", ":"): value for key, value in changes.items()}
    (folder / f"{name}.json").write_text(
        json.dumps({key: value for key, value in properties.items() if value is not None})
    )
    return path


def copy_tree(source: Path, target: Path) -> Path:
    """A writable copy of a read-only folder."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    return target


def zip_tree(source: Path, target: Path) -> Path:
    """A zip that holds a folder under its own name, as the producer's downloads do."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(source.rglob("*")):
            if path.is_file():
                archive.write(path, f"{source.name}/{path.relative_to(source).as_posix()}")
    return target
