from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from s2mask_qgis.series.schedule import BLOCK_BYTES, TILE_COLUMNS, TILE_VALUES, make_schedule

SIDES = st.integers(1, 12_000)
FILE_BLOCKS = st.sampled_from([(512, 512), (256, 256), (1024, 1024), (1, 12_000), (16, 12_000), (7, 5)])


@given(SIDES, SIDES, FILE_BLOCKS, st.integers(1, 400), st.integers(1, 800))
def test_blocks_fit_in_memory_and_are_made_of_whole_tiles(rows, columns, file_block, dates, computed):
    schedule = make_schedule((rows, columns), file_block, dates, computed)
    block, tile = schedule.block_yx, schedule.tile_yx
    assert block[0] % tile[0] == block[1] % tile[1] == 0
    assert tile[0] % 16 == tile[1] % 16 == 0
    assert block[0] * block[1] * dates * 4 <= max(2 * BLOCK_BYTES, 4 * dates * tile[0] * tile[1])
    both = dates + computed
    assert tile[0] * tile[1] * both <= max(TILE_VALUES, 16 * TILE_COLUMNS * both)


@given(st.integers(1, 700), st.integers(1, 700), FILE_BLOCKS, st.integers(1, 4000))
def test_every_pixel_is_in_one_tile(rows, columns, file_block, dates):
    schedule = make_schedule((rows, columns), file_block, dates, dates)
    visits = np.zeros((rows, columns), int)
    blocks = list(schedule.blocks())
    for block in blocks:
        for tile in schedule.tiles(block):
            visits[tile.row : tile.row + tile.rows, tile.column : tile.column + tile.columns] += 1
    assert (visits == 1).all()
    assert sum(len(list(schedule.tiles(block))) for block in blocks) == schedule.tile_count


def test_tiled_files_are_read_tile_by_tile_and_strips_in_full_rows():
    for dates in (10, 30, 60, 90):
        tiled = make_schedule((10_980, 10_980), (512, 512), dates, dates)
        assert tiled.block_yx[0] % 512 == tiled.block_yx[1] % 512 == 0
        assert tiled.is_decoded_once
    strips = make_schedule((10_980, 10_980), (1, 10_980), 60, 60)
    assert strips.block_yx[1] >= 10_980
    assert strips.is_decoded_once
    assert not make_schedule((10_980, 10_980), (1024, 1024), 300, 300).is_decoded_once
