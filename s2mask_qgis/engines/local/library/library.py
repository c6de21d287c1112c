"""The scene library of one folder of products: what scenes it has, and their pixels once ingested."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ....core.scenes import COLLECTION, COLLECTION_L2A
from ...base import CountCallback
from ...errors import CancelledError, NotFoundError, SceneError, StorageError
from .index import Catalogue, ProductOutcome, catalogue, read_index, write_index
from .ingest import IngestedScene, read_scene, write_scene
from .locks import exclusive
from .products import band_sources, problem, read_product
from .records import SceneProblem, SceneRecord
from .sources import Product, find_products

_FOLDER_ENDINGS = {COLLECTION: "", COLLECTION_L2A: "_l2a"}
"""By collection: what folders of its scenes end with; the same granule has one index in both."""


class SceneLibrary:
    """The scenes of ``scenes_folder``, indexed and ingested below ``library_folder``.

    One library folder serves any number of scenes folders: each has a subfolder of its own. Several processes may use
    the same library at once; everything in it can be made again from the products.
    """

    def __init__(self, scenes_folder: Path, library_folder: Path) -> None:
        self._scenes_folder = Path(scenes_folder).absolute()
        self._library_folder = Path(library_folder).absolute()
        key = hashlib.sha256(str(self._scenes_folder.resolve()).encode()).hexdigest()[:16]
        self._folder = self._library_folder / key
        self._index_path = self._folder / "index.json"
        self._catalogue: tuple[tuple[int, int, int], Catalogue] | None = None

    def refresh(self, on_count: CountCallback, is_cancelled: Callable[[], bool]) -> tuple[SceneProblem, ...]:
        """Bring the index up to date and return what is left out; unchanged products are not read again.

        Raises NotFoundError where the scenes folder does not exist, CancelledError on request (what was read by then is
        kept), StorageError where the library cannot be written.
        """
        if not self._scenes_folder.is_dir():
            raise NotFoundError(f"The scenes folder {self._scenes_folder} does not exist; choose another folder.")
        products, problems = find_products(self._scenes_folder, left_out=(self._library_folder, self._folder))
        with self._writing(), exclusive(self._folder / "index.lock"):
            known, known_problems = read_index(self._index_path)
            outcomes: dict[str, ProductOutcome] = {}
            for done, product in enumerate(products):
                if is_cancelled():
                    rest = {each.name: known[each.name] for each in products[done:] if each.name in known}
                    write_index(self._index_path, outcomes | rest, problems)
                    raise CancelledError("Reading the scenes folder was stopped.")
                outcomes[product.name] = _read(product, known.get(product.name))
                on_count(done + 1, len(products))
            if (outcomes, problems) != (known, known_problems) or not self._index_path.exists():
                write_index(self._index_path, outcomes, problems)
        return self.problems()

    def problems(self) -> tuple[SceneProblem, ...]:
        """What the last refresh left out, and why."""
        return self._read_catalogue().problems

    def scenes(self, collection: str = COLLECTION) -> tuple[SceneRecord, ...]:
        """The scenes of a collection at the last refresh, in order of time, then of index."""
        return self._read_catalogue().scenes.get(collection, ())

    def scene(self, index: str, collection: str = COLLECTION) -> SceneRecord:
        """The scene with this ``system:index``; NotFoundError where there is none."""
        return self._found(index, collection)[0]

    def ingested(self, index: str, collection: str = COLLECTION) -> IngestedScene | None:
        """The scene's pixels in the library; None where it is not ingested, or its product has changed since."""
        found = self._read_catalogue().by_asset.get(f"{collection}/{index}")
        return read_scene(*found, self._scene_folder(found[0])) if found is not None else None

    def ingest(self, index: str, collection: str = COLLECTION) -> IngestedScene:
        """The scene's pixels, read from its product if they are not in the library yet.

        A process that asks for a scene another one is ingesting waits for it. Nothing unfinished is ever seen: the
        scene is written to a folder of another name, which is renamed when it is complete. Raises NotFoundError,
        SceneError (product, band and reason) or StorageError.
        """
        self.scene(index, collection)
        done = self.ingested(index, collection)
        if done is not None:
            return done
        with self._writing(), exclusive(self._folder / f"locks{_FOLDER_ENDINGS[collection]}" / index):
            done = self.ingested(index, collection)
            return done if done is not None else self._ingest(*self._found(index, collection))

    def _ingest(self, record: SceneRecord, signature: str) -> IngestedScene:
        product = Product(record.product, record.kind, self._scenes_folder / record.product)
        folder = self._scene_folder(record)
        draft = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(draft, ignore_errors=True)  # left by a process that was killed
        draft.mkdir(parents=True)
        try:
            write_scene(record, band_sources(product, record), signature, draft)
            shutil.rmtree(folder, ignore_errors=True)
            draft.rename(folder)
        except SceneError as error:
            raise SceneError(problem(record.product, error).text) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        finished = read_scene(record, signature, folder)
        if finished is None:
            raise StorageError(f"The scene {record.index} was written to {folder} but cannot be read back from there.")
        return finished

    def _found(self, index: str, collection: str) -> tuple[SceneRecord, str]:
        found = self._read_catalogue().by_asset.get(f"{collection}/{index}")
        if found is None:
            raise NotFoundError(f"There is no image {index} in the scenes folder {self._scenes_folder}.")
        return found

    def _scene_folder(self, record: SceneRecord) -> Path:
        return self._folder / f"scenes{_FOLDER_ENDINGS[record.collection]}" / record.index

    def _read_catalogue(self) -> Catalogue:
        try:
            status = self._index_path.stat()
        except OSError:
            return catalogue({}, [])
        version = (status.st_mtime_ns, status.st_ino, status.st_size)
        if self._catalogue is None or self._catalogue[0] != version:
            self._catalogue = (version, catalogue(*read_index(self._index_path)))
        return self._catalogue[1]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            reason = error.strerror or error
            text = f"The scene library {self._library_folder} cannot be written ({reason})"
            raise StorageError(f"{text}; free space on its disk, or choose another folder.") from error


def _read(product: Product, known: ProductOutcome | None) -> ProductOutcome:
    try:
        signature = product.signature()
        if known is not None and known.signature == signature and not known.problems:
            return known
        records, problems = read_product(product)
    except OSError as error:
        # No signature: it is tried again at the next refresh.
        return ProductOutcome("", (), (problem(product.name, SceneError(f"it cannot be read ({error.strerror}).")),))
    return ProductOutcome(signature, tuple(records), tuple(problems))
