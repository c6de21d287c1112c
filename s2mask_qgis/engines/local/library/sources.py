"""Where products lie: finding them below a folder, and reading the files of one from a folder or a zip."""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...errors import SceneError
from .records import SAFE, STACK, ZIP, SceneProblem

SAFE_SUFFIX, ZIP_SUFFIX, JSON_SUFFIX = ".safe", ".zip", ".json"
TIFF_SUFFIXES = (".tif", ".tiff")
SAFE_PATTERNS = (
    "*",
    "GRANULE/*/*",
    "GRANULE/*/IMG_DATA/*",
    "GRANULE/*/IMG_DATA/R*m/*",
    "GRANULE/*/QI_DATA/*MSK_CLASSI*",
    "GRANULE/*/QI_DATA/*MSK_CLOUDS*",
)
"""Where the metadata, the bands (of Level-2A by resolution) and the cloud masks of a SAFE folder lie."""
LARGEST_METADATA_BYTES = 64 * 1024 * 1024
"""Far above any real metadata file (0.6 MB); keeps a damaged or hostile product from filling the memory."""


@dataclass(frozen=True)
class Product:
    """Something in the scenes folder that should be a product; ``name`` is its path relative to that folder.

    ``path`` is the SAFE folder, the zip, or the GeoTIFF of a stack (its JSON where the GeoTIFF is missing).
    """

    name: str
    kind: str
    path: Path

    def signature(self) -> str:
        """A text that changes when a file of the product changes (paths, sizes, times of change)."""
        if self.kind == SAFE:
            paths = [self.path / name for name in FolderFiles(self.path).names()]
        elif self.kind == STACK:
            paths = [path for path in stack_pair(self.path) if path is not None]
        else:
            paths = [self.path]
        digest = hashlib.sha256(self.kind.encode())
        for path in paths:
            status = path.stat()
            digest.update(f"{path.name}|{status.st_size}|{status.st_mtime_ns}\n".encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class FolderFiles:
    """The files of a SAFE folder."""

    root: Path

    @property
    def title(self) -> str:
        """The folder's name without .SAFE."""
        return PurePosixPath(self.root.name).stem if self.root.suffix.lower() == SAFE_SUFFIX else self.root.name

    def names(self) -> tuple[str, ...]:
        """Metadata, band and mask files, relative to the SAFE folder, sorted."""
        found = (path for pattern in SAFE_PATTERNS for path in self.root.glob(pattern) if path.is_file())
        return tuple(sorted(path.relative_to(self.root).as_posix() for path in found))

    def read(self, name: str) -> bytes:
        """The content of one metadata file; SceneError where it cannot be read."""
        path = self.root / name
        try:
            if path.stat().st_size > LARGEST_METADATA_BYTES:
                raise SceneError(f"{name} is too large for a metadata file.")
            return path.read_bytes()
        except OSError as error:
            raise SceneError(f"{name} cannot be read ({error.strerror}).") from error

    def gdal_path(self, name: str) -> str:
        """The path under which GDAL opens one file."""
        return str(self.root / name)


@dataclass(frozen=True)
class ZipFiles:
    """The files of a SAFE folder inside a zip, read where they are; ``root`` is that folder's path in the zip."""

    path: Path
    root: str

    @property
    def title(self) -> str:
        """The SAFE folder's name without .SAFE."""
        return PurePosixPath(self.root).stem

    def names(self) -> tuple[str, ...]:
        """Metadata, band and mask files, relative to the SAFE folder, sorted."""
        start = self.root + "/"
        inside = (name[len(start) :] for name in _zip_names(self.path) if name.startswith(start))
        return tuple(sorted(name for name in inside if _is_safe_file(name)))

    def read(self, name: str) -> bytes:
        """The content of one metadata file; SceneError where it cannot be read."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                entry = archive.getinfo(f"{self.root}/{name}")
                if entry.file_size > LARGEST_METADATA_BYTES:
                    raise SceneError(f"{name} is too large for a metadata file.")
                return archive.read(entry)
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, KeyError, RuntimeError) as error:
            raise SceneError(f"{name} cannot be read from the zip ({error}).") from error

    def gdal_path(self, name: str) -> str:
        """The path under which GDAL opens one file without unpacking."""
        return f"/vsizip/{{{self.path.as_posix()}}}/{self.root}/{name}"


SafeFiles = FolderFiles | ZipFiles


def safe_files(product: Product) -> SafeFiles:
    """The files of a SAFE product, in a folder or a zip; SceneError for a zip that does not hold exactly one."""
    if product.kind == SAFE:
        return FolderFiles(product.path)
    roots = sorted({_safe_root(name) for name in _zip_names(product.path)} - {""})
    if len(roots) != 1:
        found = f"{len(roots)} SAFE products" if roots else "no SAFE product"
        raise SceneError(f"the zip holds {found}; a zip must hold exactly one.")
    return ZipFiles(product.path, roots[0])


def stack_pair(path: Path) -> tuple[Path | None, Path | None]:
    """The GeoTIFF and the JSON of a stack, given either; None for the one that is missing."""
    if path.suffix.lower() == JSON_SUFFIX:
        return None, path
    description = path.with_suffix(JSON_SUFFIX)
    return path, description if description.is_file() else None


def find_products(folder: Path, left_out: Sequence[Path]) -> tuple[list[Product], list[SceneProblem]]:
    """All products below ``folder``, sorted by name; the folders ``left_out`` and hidden entries are passed by."""
    problems: list[SceneProblem] = []
    products: list[Product] = []
    seen = {os.path.realpath(path) for path in left_out} - {os.path.realpath(folder)}

    def unreadable(error: OSError) -> None:
        name = os.path.relpath(error.filename, folder).replace(os.sep, "/")
        problems.append(SceneProblem(name, f"{name}: the folder cannot be read ({error.strerror})."))

    for root, folders, files in os.walk(folder, onerror=unreadable, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        here = Path(root)
        visible = [name for name in folders if not name.startswith(".")]
        safes = [name for name in visible if _is_safe_folder(here / name)]
        folders[:] = sorted(set(visible) - set(safes))
        for kind, name in [*((SAFE, name) for name in safes), *_products_among(files)]:
            products.append(Product((here / name).relative_to(folder).as_posix(), kind, here / name))
    return sorted(products, key=lambda product: product.name), problems


def _products_among(names: list[str]) -> Iterator[tuple[str, str]]:
    visible = [name for name in names if not name.startswith(".")]
    tiff_stems = {Path(name).stem for name in visible if Path(name).suffix.lower() in TIFF_SUFFIXES}
    for name in visible:
        suffix = Path(name).suffix.lower()
        if suffix == ZIP_SUFFIX:
            yield ZIP, name
        elif suffix in TIFF_SUFFIXES or (suffix == JSON_SUFFIX and Path(name).stem not in tiff_stems):
            yield STACK, name


def _is_safe_folder(path: Path) -> bool:
    has_metadata = any((path / f"MTD_MSIL{level}.xml").is_file() for level in ("1C", "2A"))
    return has_metadata or path.suffix.lower() == SAFE_SUFFIX


def _zip_names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (OSError, zipfile.BadZipFile) as error:
        raise SceneError(f"the zip cannot be read ({error}); it may be incomplete.") from error


def _safe_root(name: str) -> str:
    parts = name.split("/")
    for position, part in enumerate(parts):
        if part.lower().endswith(SAFE_SUFFIX) and position < len(parts) - 1:
            return "/".join(parts[: position + 1])
    return ""


def _is_safe_file(name: str) -> bool:
    path = PurePosixPath(name)
    depth = len(path.parts)
    return not name.endswith("/") and any(
        depth == pattern.count("/") + 1 and path.match(pattern) for pattern in SAFE_PATTERNS
    )
