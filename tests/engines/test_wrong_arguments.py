"""Every algorithm with arguments of every type: an answer, or an error that names the algorithm, never a breakdown."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from s2mask_qgis.engines.local.conformance import answer_to
from s2mask_qgis.engines.local.values import ComputeError
from s2mask_qgis.engines.local.vocabulary import VOCABULARY

NAMES = sorted({algorithm.name for algorithm in VOCABULARY.values()})
ROUNDS = 30


def const(value: Any) -> dict[str, Any]:
    return {"constantValue": value}


def call(name: str, /, **arguments: Any) -> dict[str, Any]:
    return {"functionInvocationValue": {"functionName": name, "arguments": arguments}}


def listed(*items: Any) -> dict[str, Any]:
    return {"arrayValue": {"values": list(items)}}


POINT = call("GeometryConstructors.Point", coordinates=const([10, 50]))
SQUARE = call("GeometryConstructors.Rectangle", coordinates=const([10, 50, 10.001, 50.001]))
IMAGE = call("Image.constant", value=const([1, 2.5, 3]))
FEATURE = call("Feature", geometry=POINT, metadata=const({"a": 1, "b": "x", "c": None}))
TABLE = call("Collection", features=listed(FEATURE, call("Feature", geometry=const(None))))
IMAGES = call("ImageCollection.fromImages", images=listed(IMAGE, call("Image.constant", value=const(3))))
VECTOR = call("Array", values=const([1, 2, 3]))
PIECES = (
    *map(
        const, (None, True, 0, 1, -1, 2**63, 0.5, 1e300, math.nan, math.inf, "", "a", "day", "EPSG:32632", "[[a", "UTC")
    ),
    *map(const, ([], [1], [1, 2, 3], ["a", "b"], [None], [[1, 2], [3]], [[]], [1, "a"], [{}], {}, {"a": None})),
    *map(const, ({"type": "Point", "coordinates": None}, {"type": "Polygon", "coordinates": [[1]]}, {"type": "x"})),
    *(IMAGE, POINT, SQUARE, FEATURE, TABLE, IMAGES, VECTOR, listed(FEATURE), listed(POINT), listed(IMAGE, const(None))),
    call("Image.toArray", image=IMAGE),
    call("Image.select", input=IMAGE, bandSelectors=const([])),
    call("Image.updateMask", image=IMAGE, mask=const(0.5)),
    call("Geometry.difference", left=POINT, right=POINT),
    call("Collection", features=const([])),
    call("ImageCollection.fromImages", images=const([])),
    call("Date", value=const("2020-02-29")),
    call("DateRange", start=const(10), end=const(0)),
    call("Filter.gt", leftField=const("a"), rightValue=const(1)),
    call("Reducer.mean"),
    call("Reducer.toList"),
    call("Reducer.max", numInputs=const(2)),
    call("Reducer.linearRegression", numX=const(1)),
    call("Kernel.circle", radius=const(1)),
    call("Kernel.square", radius=const(1), magnitude=const(0)),
    call("Projection", crs=const("EPSG:32632")),
    call("PixelType.int8"),
    call("Array", values=const([[1, 2], [2, 1]])),
    call("Array", values=const([]), pixelType=call("PixelType.int8")),
    call("Classifier.smileRandomForest", numberOfTrees=const(2)),
    {"functionDefinitionValue": {"argumentNames": ["x"], "body": "same"}},
    {"functionDefinitionValue": {"argumentNames": [], "body": "null"}},
)
"""Values of every type, sound and unsound."""


def read_pixels(node: dict[str, Any], returns: str) -> dict[str, Any]:
    """What makes an answer do its work: images, kernels, filters and reducers do theirs when they are used."""
    if returns == "Image":
        return call("Image.sample", image=node, region=POINT, scale=const(10), dropNulls=const(False))
    if returns == "Kernel":
        return read_pixels(call("Image.focalMax", image=IMAGE, kernel=node), "Image")
    if returns == "Filter":
        return call("Collection.filter", collection=TABLE, filter=node)
    if returns == "Reducer":
        return call("Collection.reduceColumns", collection=TABLE, reducer=node, selectors=const(["a"]))
    return node


def expressions(name: str) -> Iterator[dict[str, Any]]:
    """Calls of an algorithm with arguments at random, the same in every run."""
    choice = random.Random(name)
    algorithm = VOCABULARY[name]
    for _ in range(ROUNDS):
        given = {
            p.name: choice.choice(PIECES) for p in algorithm.parameters if not p.is_optional or choice.random() < 0.4
        }
        node = read_pixels(call(name, **given), algorithm.returns)
        values = {"0": node, "same": {"argumentReference": "x"}, "null": const(None)}
        yield {"result": "0", "values": values}


def sentence_of(expression: dict[str, Any]) -> str:
    """The text of the error that an expression ends with, empty where it has an answer."""
    try:
        answer_to(expression)
    except ComputeError as error:
        return str(error)
    except Exception as error:
        pytest.fail(f"{type(error).__name__}: {error}\n{json.dumps(expression)}")
    return ""


@pytest.mark.filterwarnings("error::RuntimeWarning", "error::FutureWarning", "error::UserWarning")
@pytest.mark.parametrize("family", sorted({name.partition(".")[0] for name in NAMES}))
def test_an_algorithm_answers_or_says_what_is_wrong(family: str):
    with np.errstate(all="warn"):
        for name in (name for name in NAMES if name.partition(".")[0] == family):
            for expression in expressions(name):
                sentence = sentence_of(expression)
                assert re.match(r"^$|^\w+(\.\w+)*: ", sentence), sentence
