"""Images whose pixels hold arrays, against plain numpy: shapes, masks, and the algorithms that refuse them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from s2mask_qgis.engines.local.answers import to_json
from s2mask_qgis.engines.local.raster.evaluation import Evaluation
from s2mask_qgis.engines.local.raster.sources import Pixels
from s2mask_qgis.engines.local.raster.windows import Rectangle, Scatter
from s2mask_qgis.engines.local.values import ComputeError, ImageValue
from s2mask_qgis.engines.local.vocabulary import VOCABULARY
from tests.engines.in_process import Assets, grid_of, image_of, read

STACKS = arrays_of.arrays(
    np.float64, st.tuples(st.integers(2, 5), st.integers(1, 3), st.integers(1, 3)), elements=st.integers(-9, 9)
)


def invoke(name: str, **arguments: Any) -> Any:
    """An algorithm's value for arguments that are values already."""
    return VOCABULARY[name].invoke({key.removesuffix("_"): value for key, value in arguments.items()}, Assets())


def bands_of(stack: np.ndarray, masks: dict[str, Any] | None = None) -> ImageValue:
    """An image of bands b0, b1, … from an array (bands, rows, columns)."""
    return image_of({f"b{number}": band for number, band in enumerate(stack)}, masks)


def pixels(image: ImageValue, shape_yx: tuple[int, int]) -> list[Pixels]:
    """The arrays of every band over the whole grid, and their validity."""
    return Evaluation([band.source for band in image.bands]).read(Rectangle(grid_of(shape_yx)))


def data_of(image: ImageValue, shape_yx: tuple[int, int]) -> np.ndarray:
    """The arrays of an image of one band, their axes behind rows and columns."""
    (only,) = pixels(image, shape_yx)
    return np.moveaxis(only.data, (-2, -1), (0, 1))


@given(STACKS)
def test_bands_become_an_array_and_bands_again(stack: np.ndarray):
    image = invoke("Image.toArray", image=bands_of(stack))
    assert image.band_names == ("array",)
    assert np.array_equal(data_of(image, stack.shape[1:]), np.moveaxis(stack, 0, -1))
    labels = [f"x{number}" for number in range(len(stack))]
    flat = invoke("Image.arrayFlatten", image=image, coordinateLabels=[labels])
    assert flat.band_names == tuple(labels)
    assert np.array_equal(np.stack(read(flat, Rectangle(grid_of(stack.shape[1:])))), stack)


@given(STACKS, STACKS)
def test_arithmetic_meets_each_element(stack: np.ndarray, other: np.ndarray):
    shape = stack.shape[1:]
    image = invoke("Image.toArray", image=bands_of(stack))
    doubled = invoke("Image.add", image1=image, image2=image)
    assert np.array_equal(data_of(doubled, shape), 2 * np.moveaxis(stack, 0, -1))
    band = bands_of(stack[:1])
    assert np.array_equal(
        data_of(invoke("Image.multiply", image1=image, image2=band), shape), np.moveaxis(stack * stack[0], 0, -1)
    )
    if len(other) != len(stack):
        with pytest.raises(ComputeError, match=r"^Image.add: .*not implemented by the local engine"):
            invoke("Image.add", image1=image, image2=invoke("Image.toArray", image=bands_of(other)))


@given(STACKS)
def test_reductions_of_pixels_are_those_of_numpy(stack: np.ndarray):
    shape, arrays = stack.shape[1:], np.moveaxis(stack, 0, -1)
    image = invoke("Image.toArray", image=bands_of(stack))
    total = invoke("Image.arrayReduce", input=image, reducer=invoke("Reducer.sum"), axes=[0])
    assert np.array_equal(data_of(total, shape), arrays.sum(-1, keepdims=True))
    running = invoke("Image.arrayAccum", input=image, axis=0)
    assert np.array_equal(data_of(running, shape), arrays.cumsum(-1))
    assert np.array_equal(data_of(invoke("Image.arrayArgmax", image=image), shape)[..., 0], arrays.argmax(-1))
    assert np.array_equal(data_of(invoke("Image.arraySort", image=image), shape), np.sort(arrays, -1))
    squares = invoke("Image.arrayDotProduct", image1=image, image2=image)
    assert np.array_equal(data_of(squares, shape), (arrays**2).sum(-1))


@given(STACKS)
def test_the_largest_element_is_taken_pixel_by_pixel(stack: np.ndarray):
    image = invoke("Image.toArray", image=bands_of(stack))
    place = invoke("Image.arrayFlatten", image=invoke("Image.arrayArgmax", image=image), coordinateLabels=[["i"]])
    found = data_of(invoke("Image.arrayGet", image=image, position=place), stack.shape[1:])
    assert np.array_equal(found, stack.max(0))


def test_matrices_are_multiplied_pixel_by_pixel():
    stack = np.arange(24.0).reshape(4, 2, 3)
    lengths = invoke("Image.constant", value=invoke("Array", values=[2, 2]))
    flat = invoke("Image.toArray", image=bands_of(stack))
    matrix = invoke("Image.arrayReshape", image=flat, lengths=lengths, dimensions=2)
    product = data_of(invoke("Image.matrixMultiply", image1=matrix, image2=matrix), (2, 3))
    expected = np.moveaxis(stack, 0, -1).reshape(2, 3, 2, 2)
    assert np.array_equal(product, expected @ expected)
    identity = invoke("Image.matrixIdentity", size=2)
    assert np.array_equal(data_of(invoke("Image.matrixMultiply", image1=matrix, image2=identity), (2, 3)), expected)


def test_a_pixel_is_masked_where_a_band_is():
    masks = {"b1": [[True, False]]}
    image = invoke("Image.toArray", image=bands_of(np.array([[[1, 2]], [[3, 4]]]), masks))
    (found,) = pixels(invoke("Image.arrayReduce", input=image, reducer=invoke("Reducer.sum"), axes=[0]), (1, 2))
    assert found.valid_or_true().tolist() == [[True, False]]
    assert found.data[..., 0, 0].tolist() == [4]


def test_a_masked_position_cannot_fail_the_others():
    stack = bands_of(np.array([[[1, 2]], [[3, 4]]]))
    position = image_of({"i": [[1, 99]]}, {"i": [[True, False]]})
    (found,) = pixels(invoke("Image.arrayGet", image=invoke("Image.toArray", image=stack), position=position), (1, 2))
    assert (found.data[0, 0], found.valid_or_true().tolist()) == (3, [[True, False]])


def test_no_pixels_have_no_arrays():
    image = invoke("Image.toArray", image=bands_of(np.ones((3, 2, 2))))
    longest = invoke("Image.arrayArgmax", image=invoke("Image.arraySlice", input=image, axis=0, start=1))
    window = Scatter(grid_of((2, 2)), np.array([], int), np.array([], int))
    (found,) = Evaluation([band.source for band in longest.bands]).read(window)
    assert found.data.shape == (1, 0)


def test_shapes_that_vary_from_pixel_to_pixel_are_refused():
    image = invoke("Image.toArray", image=bands_of(np.ones((3, 2, 2))))
    varying = image_of({"n": [[1, 2], [3, 4]]})
    for name, arguments in (
        ("Image.arraySlice", {"input": image, "axis": 0, "start": varying}),
        ("Image.arrayRepeat", {"input": image, "axis": 0, "copies": varying}),
        ("Image.arrayReshape", {"image": image, "lengths": invoke("Image.toArray", image=varying), "dimensions": 1}),
    ):
        with pytest.raises(ComputeError, match=rf"^{name}: .*not implemented by the local engine"):
            invoke(name, **arguments)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Image.reduce", {"reducer": "sum"}),
        ("Image.updateMask", {"mask": 1}),
        ("Image.normalizedDifference", {}),
        ("Image.unmask", {}),
    ],
)
def test_algorithms_for_numbers_refuse_arrays(name: str, arguments: dict[str, Any]):
    image = invoke("Image.toArray", image=bands_of(np.ones((3, 2, 2))))
    if "reducer" in arguments:
        arguments = {"reducer": invoke("Reducer.sum")}
    first = VOCABULARY[name].parameters[0].name
    with pytest.raises(ComputeError, match=rf"^{name}: images of arrays are not implemented by the local engine"):
        invoke(name, **{first: image, **arguments})


def test_the_type_of_a_band_of_arrays_says_their_dimensions():
    image = invoke("Image.toArray", image=bands_of(np.ones((3, 2, 2), np.uint8)))
    assert to_json(image)["bands"][0]["data_type"]["dimensions"] == 1


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Image.toArray", {"axis": 2}),
        ("Image.arrayProject", {"axes": [1]}),
        ("Image.arrayFlatten", {"coordinateLabels": [["a"]]}),
        ("Image.arrayFlatten", {"coordinateLabels": [["a", "a", "b"]]}),
        ("Image.arrayTranspose", {}),
        ("Image.arraySlice", {"axis": 1}),
    ],
)
def test_shapes_that_do_not_fit_are_an_error(name: str, arguments: dict[str, Any]):
    image = invoke("Image.toArray", image=bands_of(np.ones((3, 2, 2))))
    first = VOCABULARY[name].parameters[0].name
    with pytest.raises(ComputeError, match=rf"^{name}: "):
        invoke(name, **{first: image, **arguments})
