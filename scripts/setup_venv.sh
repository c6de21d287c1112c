#!/usr/bin/env bash
# Makes .venv on the system's Python: PyQGIS, numpy, scipy and GDAL stay the system's, the rest is pinned.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-/usr/bin/python3}
venv=.venv

if ! "$python" -c 'import qgis.core, osgeo.gdal, scipy' 2>/dev/null; then
  echo "$python cannot import QGIS, GDAL and scipy. Set PYTHON to the interpreter that QGIS uses: make PYTHON=/path" >&2
  exit 1
fi

echo "Making the virtual environment $venv (once, about 20 seconds)"
rm -rf "$venv"
"$python" -m venv --system-site-packages "$venv"
"$python" - > "$venv/system-constraints.txt" <<'PYTHON'
from importlib import metadata

for name in ("numpy", "scipy", "GDAL"):
    print(f"{name}=={metadata.version(name)}")
PYTHON

pip=("$venv/bin/python" -m pip --disable-pip-version-check install -qq)
"${pip[@]}" --no-deps --require-hashes -r requirements/vendored.txt
"${pip[@]}" -r requirements/dev.txt -c requirements/constraints.txt -c "$venv/system-constraints.txt"

for name in numpy scipy osgeo; do
  if ls -d "$venv"/lib/python*/site-packages/"$name" >/dev/null 2>&1; then
    echo "pip put its own $name into $venv, which QGIS would crash on: remove what asks for it." >&2
    exit 1
  fi
done
