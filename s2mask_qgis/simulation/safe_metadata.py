"""The texts of a Level-1C product: names and XML with the elements that readers of real products look for."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.grid import Grid
from ..core.scenes import BANDS, Ring
from .acquisitions import Acquisition
from .scene import QUANTIFICATION, RADIO_ADD_OFFSET
from .settings import TILE

BASELINE = "05.00"
_PRODUCT_SCHEMA = "https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-1C.xsd"
_TILE_SCHEMA = "https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-1C_Tile_Metadata.xsd"

NOTICE = "Simulated by s2mask_qgis: no satellite took this image. The format is that of Sentinel-2 Level-1C products.\n"


@dataclass(frozen=True)
class ProductFacts:
    """What the metadata tell beyond the acquisition itself; percentages 0-100, ``footprint`` in degrees."""

    grid: Grid
    footprint: Ring
    cloudy_percent: float
    snow_percent: float
    image_format: str


def product_name(acquisition: Acquisition) -> str:
    """Name of the product's folder."""
    return (
        f"{acquisition.satellite}_MSIL1C_{acquisition.start}_N{BASELINE.replace('.', '')}"
        f"_R{acquisition.relative_orbit:03d}_T{TILE}_{acquisition.generation_moment:%Y%m%dT%H%M%S}.SAFE"
    )


def granule_name(acquisition: Acquisition) -> str:
    """Name of the product's only granule."""
    return f"L1C_T{TILE}_A{acquisition.orbit:06d}_{acquisition.datastrip_moment:%Y%m%dT%H%M%S}"


def band_stem(acquisition: Acquisition, band: str) -> str:
    """Name of a band's file without its ending: B1 is written as B01."""
    return f"T{TILE}_{acquisition.start}_B{band[1:].zfill(2)}"


def product_xml(acquisition: Acquisition, facts: ProductFacts) -> str:
    """The text of MTD_MSIL1C.xml."""
    start, datastrip, tile = _utc(acquisition), _identifier(acquisition, "DS"), _identifier(acquisition, "TL")
    granule = granule_name(acquisition)
    files = "\n".join(
        f"            <IMAGE_FILE>GRANULE/{granule}/IMG_DATA/{band_stem(acquisition, band)}</IMAGE_FILE>"
        for band in BANDS
    )
    positions = " ".join(f"{latitude:.9f} {longitude:.9f}" for longitude, latitude in facts.footprint)
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-1C_User_Product xmlns:n1="{_PRODUCT_SCHEMA}">
  <n1:General_Info>
    <Product_Info>
      <PRODUCT_START_TIME>{start}</PRODUCT_START_TIME>
      <PRODUCT_STOP_TIME>{start}</PRODUCT_STOP_TIME>
      <PRODUCT_URI>{product_name(acquisition)}</PRODUCT_URI>
      <PROCESSING_LEVEL>Level-1C</PROCESSING_LEVEL>
      <PRODUCT_TYPE>S2MSI1C</PRODUCT_TYPE>
      <PROCESSING_BASELINE>{BASELINE}</PROCESSING_BASELINE>
      <GENERATION_TIME>{acquisition.generation_moment:%Y-%m-%dT%H:%M:%S}.000000Z</GENERATION_TIME>
      <Datatake datatakeIdentifier="G{acquisition.satellite}_{acquisition.start}_{acquisition.orbit:06d}_N{BASELINE}">
        <SPACECRAFT_NAME>Sentinel-{acquisition.satellite[1:]}</SPACECRAFT_NAME>
        <DATATAKE_TYPE>INS-NOBS</DATATAKE_TYPE>
        <DATATAKE_SENSING_START>{start}</DATATAKE_SENSING_START>
        <SENSING_ORBIT_NUMBER>{acquisition.relative_orbit}</SENSING_ORBIT_NUMBER>
        <SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION>
      </Datatake>
      <Product_Organisation>
        <Granule_List>
          <Granule datastripIdentifier="{datastrip}" granuleIdentifier="{tile}" imageFormat="{facts.image_format}">
{files}
          </Granule>
        </Granule_List>
      </Product_Organisation>
    </Product_Info>
{_image_characteristics()}
  </n1:General_Info>
  <n1:Geometric_Info>
    <Product_Footprint>
      <Product_Footprint>
        <Global_Footprint>
          <EXT_POS_LIST>{positions} </EXT_POS_LIST>
        </Global_Footprint>
      </Product_Footprint>
    </Product_Footprint>
  </n1:Geometric_Info>
  <n1:Quality_Indicators_Info>
    <Cloud_Coverage_Assessment>{facts.cloudy_percent:.6f}</Cloud_Coverage_Assessment>
    <Snow_Coverage_Assessment>{facts.snow_percent:.6f}</Snow_Coverage_Assessment>
  </n1:Quality_Indicators_Info>
</n1:Level-1C_User_Product>
"""


def tile_xml(acquisition: Acquisition, facts: ProductFacts) -> str:
    """The text of MTD_TL.xml."""
    zenith, azimuth = acquisition.sun
    sizes, positions = _geocoding(facts.grid)
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-1C_Tile_ID xmlns:n1="{_TILE_SCHEMA}">
  <n1:General_Info>
    <TILE_ID metadataLevel="Brief">{_identifier(acquisition, "TL")}</TILE_ID>
    <DATASTRIP_ID metadataLevel="Standard">{_identifier(acquisition, "DS")}</DATASTRIP_ID>
    <SENSING_TIME metadataLevel="Standard">{acquisition.datastrip_moment:%Y-%m-%dT%H:%M:%S}.500000Z</SENSING_TIME>
  </n1:General_Info>
  <n1:Geometric_Info>
    <Tile_Geocoding metadataLevel="Brief">
      <HORIZONTAL_CS_NAME>WGS84 / UTM zone {TILE[:2]}N</HORIZONTAL_CS_NAME>
      <HORIZONTAL_CS_CODE>{facts.grid.crs}</HORIZONTAL_CS_CODE>
{sizes}
{positions}
    </Tile_Geocoding>
    <Tile_Angles metadataLevel="Standard">
      <Mean_Sun_Angle>
        <ZENITH_ANGLE unit="deg">{zenith:.9f}</ZENITH_ANGLE>
        <AZIMUTH_ANGLE unit="deg">{azimuth:.9f}</AZIMUTH_ANGLE>
      </Mean_Sun_Angle>
    </Tile_Angles>
  </n1:Geometric_Info>
  <n1:Quality_Indicators_Info metadataLevel="Standard">
    <Image_Content_QI>
      <CLOUDY_PIXEL_PERCENTAGE>{facts.cloudy_percent:.6f}</CLOUDY_PIXEL_PERCENTAGE>
      <DEGRADED_MSI_DATA_PERCENTAGE>0</DEGRADED_MSI_DATA_PERCENTAGE>
      <SNOW_PIXEL_PERCENTAGE>{facts.snow_percent:.6f}</SNOW_PIXEL_PERCENTAGE>
    </Image_Content_QI>
  </n1:Quality_Indicators_Info>
</n1:Level-1C_Tile_ID>
"""


def manifest_xml(acquisition: Acquisition) -> str:
    """The text of manifest.safe: which files are the metadata."""
    granule = granule_name(acquisition)
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1" version="esa/safe/sentinel/1.1/sentinel-2/msi/archive_l1c_user_product">
  <dataObjectSection>
    <dataObject ID="S2_Level-1C_Product_Metadata">
      <byteStream mimeType="text/xml">
        <fileLocation locatorType="URL" href="./MTD_MSIL1C.xml"/>
      </byteStream>
    </dataObject>
    <dataObject ID="S2_Level-1C_Tile1_Metadata">
      <byteStream mimeType="text/xml">
        <fileLocation locatorType="URL" href="./GRANULE/{granule}/MTD_TL.xml"/>
      </byteStream>
    </dataObject>
  </dataObjectSection>
</xfdu:XFDU>
"""


def _image_characteristics() -> str:
    """How numbers become reflectance: (number + RADIO_ADD_OFFSET) / QUANTIFICATION_VALUE, 0 being no data."""
    offsets = "\n".join(
        f'        <RADIO_ADD_OFFSET band_id="{place}">{RADIO_ADD_OFFSET}</RADIO_ADD_OFFSET>'
        for place in range(len(BANDS))
    )
    return f"""    <Product_Image_Characteristics>
      <Special_Values>
        <SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>
        <SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX>
      </Special_Values>
      <Special_Values>
        <SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT>
        <SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX>
      </Special_Values>
      <QUANTIFICATION_VALUE unit="none">{QUANTIFICATION}</QUANTIFICATION_VALUE>
      <Radiometric_Offset_List>
{offsets}
      </Radiometric_Offset_List>
    </Product_Image_Characteristics>"""


def _utc(acquisition: Acquisition) -> str:
    return f"{acquisition.moment:%Y-%m-%dT%H:%M:%S}.{acquisition.moment.microsecond // 1000:03d}Z"


def _identifier(acquisition: Acquisition, kind: str) -> str:
    """Identifier of the granule ("TL") or the datastrip ("DS") as the ground segment forms it."""
    stem = f"{acquisition.satellite}_OPER_MSI_L1C_{kind}_SIMU_{acquisition.generation_moment:%Y%m%dT%H%M%S}"
    if kind == "TL":
        return f"{stem}_A{acquisition.orbit:06d}_T{TILE}_N{BASELINE}"
    return f"{stem}_S{acquisition.datastrip_moment:%Y%m%dT%H%M%S}_N{BASELINE}"


def _geocoding(grid: Grid) -> tuple[str, str]:
    """Size and position elements at 10 m, 20 m and 60 m."""
    x_min, _, _, y_max = grid.bounds
    sizes, positions = [], []
    for scale_m in (10, 20, 60):
        rows, columns = grid.at_scale(scale_m).shape_yx
        sizes.append(f"""      <Size resolution="{scale_m}">
        <NROWS>{rows}</NROWS>
        <NCOLS>{columns}</NCOLS>
      </Size>""")
        positions.append(f"""      <Geoposition resolution="{scale_m}">
        <ULX>{x_min:.0f}</ULX>
        <ULY>{y_max:.0f}</ULY>
        <XDIM>{scale_m}</XDIM>
        <YDIM>{-scale_m}</YDIM>
      </Geoposition>""")
    return "\n".join(sizes), "\n".join(positions)
