"""The longer statements of a ledger, and the columns in whose order rows are written and read."""

from __future__ import annotations

from collections.abc import Collection

from .rows import RowState

IMAGE_COLUMNS = (
    "image, asset, tile, time_start_ms, cloudy_percent, geom, outline, state, kind, attempts, reason, is_permanent, "
    "outputs, cloud_share, shadow_share, ndvi_share, seconds, updated_s"
)
EXPORT_COLUMNS = "request_id, image, kind, attempt, key, operation, state, error, error_code, sent_s, ended_s"
SCENE_COLUMNS = (
    "image, asset, tile, time_start_ms, taken, cloudy_percent, geom, outline, state, reason, updated_s, updated"
)

_ANY_STATE = "(?, ?, ?, ?, ?, ?, ?, ?)"


def _places(columns: str) -> str:
    return f"({', '.join('?' * len(columns.split(', ')))})"


# All that is put together here is written above: nothing of it comes from outside.
SELECT_IMAGES = f"SELECT {IMAGE_COLUMNS} FROM images"  # nosec B608
SELECT_EXPORTS = f"SELECT {EXPORT_COLUMNS} FROM exports"  # nosec B608
ADD_IMAGE = f"INSERT OR IGNORE INTO images ({SCENE_COLUMNS}) VALUES {_places(SCENE_COLUMNS)}"
ADD_EXPORT = f"INSERT INTO exports ({EXPORT_COLUMNS}) VALUES {_places(EXPORT_COLUMNS)}"  # nosec B608

# "+" keeps SQLite from the index of states, by which each page would have to be sorted.
IN_STATES = f" WHERE +state IN {_ANY_STATE}"
NEXT_IMAGES = f"{IN_STATES} AND (tile, time_start_ms, image) > (?, ?, ?) ORDER BY tile, time_start_ms, image LIMIT ?"
NEXT_IMAGES_OF_TILE = (
    f"{IN_STATES} AND tile = ? AND (time_start_ms, image) > (?, ?) ORDER BY time_start_ms, image LIMIT ?"
)
TILES = "SELECT DISTINCT tile FROM images WHERE state IN (?, ?, ?, ?, ?, ?, ?, ?) ORDER BY tile"
OPEN_EXPORTS = " WHERE state IN ('sending', 'queued', 'running') ORDER BY fid"

STATE_OF_NEWEST_EXPORT = (
    "SELECT state FROM exports WHERE image = ? AND state IN ('sending', 'queued', 'running') ORDER BY fid DESC LIMIT 1"
)
FOLLOW = (
    "UPDATE images SET state = ?, updated_s = ?, updated = ? "
    "WHERE image = ? AND state IN ('sending', 'queued', 'running')"
)
BEGIN_IMAGE = (
    "UPDATE images SET state = ?, updated_s = ?, updated = ?, kind = ?, attempts = attempts + ? WHERE image = ?"
)
REOPEN_EXPORT = "UPDATE exports SET state = ?, error = '', error_code = 0, ended_s = NULL WHERE request_id = ?"
NAME_EXPORT = (
    "UPDATE exports SET operation = ?, state = CASE state WHEN 'sending' THEN 'queued' ELSE state END "
    "WHERE request_id = ?"
)
RUN_EXPORT = "UPDATE exports SET state = 'running' WHERE request_id = ? AND state IN ('sending', 'queued', 'running')"
END_EXPORT = "UPDATE exports SET state = ?, error = ?, error_code = ?, ended_s = ? WHERE request_id = ?"
DURATIONS = "SELECT ended_s - sent_s FROM exports WHERE kind = ? AND state = 'done' ORDER BY fid DESC LIMIT ?"

MARK = "UPDATE images SET state = ?, reason = ?, is_permanent = ?, updated_s = ?, updated = ? WHERE image = ?"
FINISH = (
    "UPDATE images SET outputs = COALESCE(?, outputs), cloud_share = ?, shadow_share = ?, ndvi_share = ?, seconds = ? "
    "WHERE image = ?"
)
RETRY = (
    "UPDATE images SET state = 'waiting', reason = '', is_permanent = 0, updated_s = ?, updated = ? "
    "WHERE state IN ('failed', 'cancelled')"
)


def state_values(states: Collection[RowState] | None) -> list[str | None]:
    """The values for the places of states in a statement, one for each state there is; None stands for all of them."""
    values = [state.value for state in (RowState if states is None else states)]
    return [*values, *[None] * (len(RowState) - len(values))]
