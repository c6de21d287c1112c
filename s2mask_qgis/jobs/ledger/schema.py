"""The tables of a ledger: a GeoPackage of plain tables without triggers, so that SQLite alone can write it.

Source: OGC 12-128r18 (GeoPackage 1.3), tables 1-5 of its annex; the file says that it is of version 1.2, which all
versions of GDAL and QGIS in use know. A spatial index is left out: its triggers need functions that SQLite has not.
"""

from __future__ import annotations

import sqlite3

VERSION = 2
"""Version of the tables below; it lies in ``run`` because GeoPackage uses SQLite's own place for one."""

_APPLICATION_ID = 0x47504B47  # "GPKG"
_GEOPACKAGE_VERSION = 10200

WGS_84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
    'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],'
    'AUTHORITY["EPSG","4326"]]'
)

_SYSTEMS = (
    ("Undefined Cartesian SRS", -1, "NONE", -1, "undefined", "undefined Cartesian coordinate reference system"),
    ("Undefined geographic SRS", 0, "NONE", 0, "undefined", "undefined geographic coordinate reference system"),
    ("WGS 84 geodetic", 4326, "EPSG", 4326, WGS_84, "longitude and latitude in degrees on WGS 84"),
)

_CONTENTS = (
    ("images", "features", "Images of the run", "One row an image: where it stands and what came of it", 4326),
    ("exports", "attributes", "Exports of the run", "One row an export that was asked for", 0),
    ("plans", "attributes", "Plans of open images", "What the exports of an image depend on, compressed JSON", 0),
    ("run", "attributes", "The run", "Its request, model and version as JSON", 0),
)

_GEOPACKAGE = """
CREATE TABLE gpkg_spatial_ref_sys (
    srs_name TEXT NOT NULL,
    srs_id INTEGER NOT NULL PRIMARY KEY,
    organization TEXT NOT NULL,
    organization_coordsys_id INTEGER NOT NULL,
    definition TEXT NOT NULL,
    description TEXT);
CREATE TABLE gpkg_contents (
    table_name TEXT NOT NULL PRIMARY KEY,
    data_type TEXT NOT NULL,
    identifier TEXT UNIQUE,
    description TEXT DEFAULT '',
    last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
    min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE,
    srs_id INTEGER,
    CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
    table_name TEXT NOT NULL,
    column_name TEXT NOT NULL,
    geometry_type_name TEXT NOT NULL,
    srs_id INTEGER NOT NULL,
    z TINYINT NOT NULL,
    m TINYINT NOT NULL,
    CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
    CONSTRAINT uk_gc_table_name UNIQUE (table_name),
    CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
    CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
"""

_TABLES = """
CREATE TABLE images (
    fid INTEGER PRIMARY KEY NOT NULL,
    geom MULTIPOLYGON,
    image TEXT NOT NULL UNIQUE,
    tile TEXT NOT NULL,
    taken DATETIME NOT NULL,
    state TEXT NOT NULL,
    kind TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    is_permanent BOOLEAN NOT NULL DEFAULT 0,
    cloudy_percent DOUBLE NOT NULL,
    cloud_share DOUBLE,
    shadow_share DOUBLE,
    ndvi_share DOUBLE,
    seconds DOUBLE,
    updated DATETIME NOT NULL,
    outputs TEXT NOT NULL DEFAULT '{}',
    asset TEXT NOT NULL,
    time_start_ms INTEGER NOT NULL,
    updated_s DOUBLE NOT NULL,
    outline TEXT);
CREATE INDEX images_by_place ON images (tile, time_start_ms, image);
CREATE INDEX images_by_state ON images (state, tile);
CREATE TABLE exports (
    fid INTEGER PRIMARY KEY NOT NULL,
    request_id TEXT NOT NULL UNIQUE,
    image TEXT NOT NULL,
    kind TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    state TEXT NOT NULL,
    operation TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '',
    error_code INTEGER NOT NULL DEFAULT 0,
    key TEXT NOT NULL,
    sent_s DOUBLE NOT NULL,
    ended_s DOUBLE);
CREATE INDEX exports_by_image ON exports (image);
CREATE INDEX exports_open ON exports (state) WHERE state IN ('sending', 'queued', 'running');
CREATE TABLE plans (fid INTEGER PRIMARY KEY NOT NULL, image TEXT NOT NULL UNIQUE, plan BLOB NOT NULL);
CREATE TABLE run (fid INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL UNIQUE, value TEXT NOT NULL);
"""


def make(connection: sqlite3.Connection) -> None:
    """Lay out an empty ledger in an empty file."""
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {_GEOPACKAGE_VERSION}")
    connection.executescript(f"BEGIN; {_GEOPACKAGE} {_TABLES} COMMIT;")
    connection.executemany("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)", _SYSTEMS)
    connection.executemany(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) VALUES (?, ?, ?, ?, ?)",
        _CONTENTS,
    )
    connection.execute("INSERT INTO gpkg_geometry_columns VALUES ('images', 'geom', 'MULTIPOLYGON', 4326, 0, 0)")
