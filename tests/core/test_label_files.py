"""Labels out of CSV files: what is understood, what is exchanged, and what is said about the rest."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timezone
from pathlib import Path

import pytest

from s2mask_qgis.core.label_files import parse_csv, read_csv
from s2mask_qgis.core.label_words import tile_of
from s2mask_qgis.core.labels import Label, LabelError
from s2mask_qgis.core.scenes import COLLECTION, Scene

INDEX = "20230610T095031_20230610T095415_T33UXP"
PRODUCT = "S2A_MSIL1C_20230610T095031_N0500_R122_T33UXP_20230610T115415"


def scene(index: str = INDEX, west: float = 16.8, south: float = 48.2) -> Scene:
    east, north = west + 0.4, south + 0.4
    ring = ((west, south), (east, south), (east, north), (west, north), (west, south))
    time = datetime.strptime(index[:15], "%Y%m%dT%H%M%S").replace(tzinfo=timezone.utc)
    return Scene(f"{COLLECTION}/{index}", index, index[-5:], int(time.timestamp() * 1000), 10.0, ring)


def one(text: str, *scenes: Scene) -> Label:
    (label,) = parse_csv(text, scenes).labels
    return label


@pytest.mark.parametrize(
    "header",
    [
        "lon,lat,image,class",
        "Longitude,Latitude,system:index,Class",
        "x,y,image_id,label",
        "LNG, LAT ,Product ID,kind",
        "long,lat,scene,type",
    ],
)
def test_columns_are_known_by_several_spellings(header):
    assert one(f"{header}\n16.9,48.3,{INDEX},cloud\n") == Label(16.9, 48.3, INDEX, "cloud")


def test_columns_come_in_any_order_among_others():
    text = f"id,class,lat,comment,lon,land cover,image\n7,clear,48.3,nice,16.9,forest,{INDEX}\n"
    assert one(text) == Label(16.9, 48.3, INDEX, "clear", "forest")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("cloud", "cloud"),
        ("Cloudy", "cloud"),
        ("1", "cloud"),
        ("1.0", "cloud"),
        ("CIRRUS", "cloud"),
        ("thin cloud", "cloud"),
        ("low_clouds", "cloud"),
        ("clear", "clear"),
        ("cloud-free", "clear"),
        ("0", "clear"),
        ("shadow", "shadow"),
        ("Cloud shadow", "shadow"),
        ("clouds_shadows", "shadow"),
        ("2", "shadow"),
    ],
)
def test_classes_are_known_by_words_and_numbers(word, kind):
    assert one(f"lon,lat,image,class\n16.9,48.3,{INDEX},{word}\n").kind == kind


def test_surfaces_are_clear_and_name_the_group():
    assert one(f"lon,lat,image,class\n16.9,48.3,{INDEX},Water\n") == Label(16.9, 48.3, INDEX, "clear", "water")


@pytest.mark.parametrize(
    "text",
    [
        f"lon;lat;image;class\n16,9;48,3;{INDEX};cloud\n",
        f"lon\tlat\timage\tclass\n16.9\t48.3\t{INDEX}\tcloud\n",
        f'lon,lat,image,class\n"16,9","48,3",{INDEX},cloud\n',
        f"\nlon,lat,image,class\r\n\r\n16.9,48.3,{INDEX},cloud\r\n,,,\r\n".lstrip("\n"),
    ],
)
def test_separators_decimals_and_empty_lines_are_understood(text):
    assert one(text) == Label(16.9, 48.3, INDEX, "cloud")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_with_and_without_byte_order_mark_are_read(tmp_path: Path, encoding):
    path = tmp_path / "labels.csv"
    path.write_bytes(f"lon,lat,image,class\n16.9,48.3,{INDEX},cloud\n".encode(encoding))
    assert len(read_csv(path).labels) == 1


@pytest.mark.parametrize(
    "name",
    [INDEX, f"{COLLECTION}/{INDEX}", PRODUCT, f"{PRODUCT}.SAFE", f"/data/scenes/{PRODUCT}.SAFE/", f"{INDEX}.tif"],
)
def test_images_are_called_by_their_index_whatever_they_are_called(name):
    assert one(f"lon,lat,image,class\n16.9,48.3,{name},cloud\n", scene()).image == INDEX


@pytest.mark.parametrize(
    ("name", "tile"),
    [(INDEX, "33UXP"), (f"{PRODUCT}.SAFE", "33UXP"), (f"{COLLECTION}/{INDEX}", "33UXP"), ("image_Tuesday", None)],
)
def test_names_tell_their_tile(name, tile):
    assert tile_of(name) == tile


def test_a_product_that_fits_two_images_is_not_guessed():
    twin = scene(INDEX.replace("T095415", "T095416"))
    table = parse_csv(f"lon,lat,image,class\n16.9,48.3,{PRODUCT},cloud\n", [scene(), twin])
    assert table.labels[0].image == PRODUCT
    assert table.notes == (f"Labels of images that are not among the scenes: 1 ({PRODUCT}).",)


def test_rows_that_cannot_be_used_are_named_by_line_and_left_out():
    rows = [
        f"16.9,48.3,{INDEX},cloud",
        f"east,48.3,{INDEX},cloud",
        f"16.9,,{INDEX},cloud",
        "16.9,48.3,,cloud",
        f"16.9,48.3,{INDEX},fog",
        f"16.9,nan,{INDEX},cloud",
        "16.9",
    ]
    table = parse_csv("lon,lat,image,class\n" + "\n".join(rows))
    assert len(table.labels) == 1
    (note,) = table.notes
    assert note == (
        "Rows that were left out: 6 (line 3: the longitude “east” is no number; line 4: the latitude is missing; "
        "line 5: the image is missing; line 6: the class “fog” is unknown (known are clear, cloud, shadow, or 0, 1, "
        "2); line 7: the latitude “nan” is no number; and 1 more)."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("lon,lat,image\n16,48,x\n", "no column for class; its columns are lon, lat, image"),
        ("1,2,3,4\n", "no column for longitude and latitude and image and class"),
        ("lon,lat,image,class\n", "no label that can be used"),
        ("lon,lat,image,class\n16,48,x,fog\n", "line 2: the class “fog” is unknown"),
        ("lon,lat,image,class\n640020,5359980,x,cloud\n", "640020, 5.35998e\\+06 are no degrees"),
        ('lon,lat,image,class\n"' + "x" * 200_000 + '",48,x,cloud\n', "cannot be read as a table"),
    ],
)
def test_tables_without_usable_labels_are_refused_with_a_reason(text, message):
    with pytest.raises(LabelError, match=message):
        parse_csv(text)


def test_files_that_cannot_be_read_are_refused_with_a_reason(tmp_path: Path):
    with pytest.raises(LabelError, match="No such file"):
        read_csv(tmp_path / "none.csv")
    path = tmp_path / "latin.csv"
    path.write_bytes("lon,lat,image,class\n16,48,Österreich,cloud\n".encode("latin-1"))
    with pytest.raises(LabelError, match="no UTF-8 text"):
        read_csv(path)


def test_swapped_axes_are_exchanged_and_reported_where_latitudes_are_impossible():
    table = parse_csv("lon,lat,image,class\n-33.1,151.2,a,cloud\n-33.2,151.3,a,clear\n")
    assert [(label.longitude, label.latitude) for label in table.labels] == [(151.2, -33.1), (151.3, -33.2)]
    assert table.notes[0].startswith("Longitude and latitude are swapped in this file: 2 of 2 labels")


def test_swapped_axes_are_found_by_the_outlines_of_the_images():
    text = f"lon,lat,image,class\n48.3,16.9,{INDEX},cloud\n48.4,16.95,{INDEX},clear\n"
    table = parse_csv(text, [scene()])
    assert [(label.longitude, label.latitude) for label in table.labels] == [(16.9, 48.3), (16.95, 48.4)]
    assert "swapped" in table.notes[0]
    assert parse_csv(text).notes == ()


def test_one_odd_latitude_does_not_turn_a_whole_file():
    text = "lon,lat,image,class\n" + "16.9,48.3,a,cloud\n" * 10 + "16.9,148.3,a,cloud\n"
    table = parse_csv(text)
    assert len(table.labels) == 10
    assert {(label.longitude, label.latitude) for label in table.labels} == {(16.9, 48.3)}
    assert table.notes[0].startswith("1 of 11 labels make sense only with longitude and latitude swapped")
    assert (
        table.notes[1] == "Rows that were left out: 1 (line 12: 16.9, 148.3 are no degrees of longitude and latitude)."
    )


def test_labels_outside_their_image_both_ways_stay_as_they_are():
    text = f"lon,lat,image,class\n10,20,{INDEX},cloud\n16.9,48.3,{INDEX},clear\n"
    table = parse_csv(text, [scene()])
    assert [label.longitude for label in table.labels] == [10, 16.9]
    assert table.notes == ()


def test_points_of_an_operator_in_metres_are_refused_with_what_to_do(shared_data: Path):
    path = shared_data / "alcd-toulouse" / "labelled_points_20240305.csv"
    with pytest.raises(
        LabelError, match="no column for longitude and latitude and image; its columns are label, x_utm31n"
    ):
        read_csv(path)


def test_points_of_an_operator_in_degrees_are_read_completely(shared_data: Path):
    osr = pytest.importorskip("osgeo.osr")
    text = (shared_data / "alcd-toulouse" / "labelled_points_20240305.csv").read_text()
    index = "20240305T104819_20240305T105512_T31TCJ"
    utm, degrees = osr.SpatialReference(), osr.SpatialReference()
    utm.ImportFromEPSG(32631)
    degrees.ImportFromEPSG(4326)  # latitude before longitude, as the authority has it: the file below swaps them
    transform = osr.CoordinateTransformation(utm, degrees)
    lines = ["lon;lat;image;class"]
    for row in csv.DictReader(io.StringIO(text)):
        latitude, longitude, _ = transform.TransformPoint(float(row["x_utm31n"]), float(row["y_utm31n"]))
        lines.append(
            f"{latitude};{longitude};S2B_MSIL1C_20240305T104819_N0510_R051_T31TCJ_20240305T125347;{row['label']}"
        )
    table = parse_csv("\n".join(lines), [scene(index, 1.0, 43.2)])
    kinds = [label.kind for label in table.labels]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"cloud": 96, "shadow": 70, "clear": 83}
    assert {label.group for label in table.labels} == {"", "land", "water"}
    assert {label.image for label in table.labels} == {index}
    assert all(0 < label.longitude < 2.5 and 43 < label.latitude < 45 for label in table.labels)
    assert "swapped" in table.notes[0]
