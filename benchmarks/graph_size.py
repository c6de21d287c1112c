"""How large the expressions of a filled series are for 40, 100 and 200 images, each output of each method."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from s2mask_qgis.core.filling.expressions import METHODS, series_images  # noqa: E402
from s2mask_qgis.core.filling.plan import FillPlan  # noqa: E402
from s2mask_qgis.core.seasons.expressions import year_images  # noqa: E402
from s2mask_qgis.engines.expressions import ready_client  # noqa: E402

COUNTS = (40, 100, 200)
REVISIT_DAYS = 5.0
FIRST_DAY = 18_628.0
LIMIT_BYTES = 1_000_000
ASSET = "projects/some-project/assets/ndvi/20210101T105441_20210101T105435_T31TCJ_{:03d}"


def sizes(ee: ModuleType, method: str, count: int) -> dict[str, int]:
    """Bytes of each output's expression, as it is sent."""
    days = tuple(FIRST_DAY + REVISIT_DAYS * number for number in range(count))
    plan = FillPlan(method, days, True, 0.03, 0.7, (), 0.03, 1e-4)
    ids = [ASSET.format(number) for number in range(count)]
    outputs = series_images(ids, plan).by_name() | {"year": year_images(ids, plan, 2021)}
    return {
        name: len(json.dumps(ee.serializer.encode(image, for_cloud_api=True), separators=(",", ":")))
        for name, image in outputs.items()
    }


def main() -> int:
    """Print the sizes; 1 where one is over the limit or grows faster than the number of images."""
    failed = False
    ee = ready_client()
    print(f"graph size, bytes for {', '.join(map(str, COUNTS))} images")
    for method in METHODS:
        measured = [sizes(ee, method, count) for count in COUNTS]
        for name in measured[0]:
            found = [each[name] for each in measured]
            is_fine = found[-1] < LIMIT_BYTES and all(
                later / found[0] <= count / COUNTS[0] for later, count in zip(found[1:], COUNTS[1:])
            )
            failed |= not is_fine
            numbers = " ".join(f"{size:>9,}" for size in found)
            print(f"  {method:<10} {name:<12} {numbers}{'' if is_fine else '  TOO LARGE'}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
