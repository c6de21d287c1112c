"""Requests that no client would send: every one gets an error of the service, in bounded time and memory."""

from __future__ import annotations

import ast
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2mask_qgis.engines.local.assets import PROJECT, ROOT
from s2mask_qgis.engines.local.vocabulary import VOCABULARY
from tests.engines.services import Service, running

CALLS = (
    ("POST", "value:compute"),
    ("POST", "table:computeFeatures"),
    ("POST", "image:computePixels"),
    ("POST", "image:export"),
    ("POST", "maps"),
    ("POST", "thumbnails"),
    ("POST", "assets"),
    ("POST", "assets/mask/x:copy"),
    ("POST", "assets/mask/x:move"),
    ("POST", "assets/mask/x:getPixels"),
    ("PATCH", "assets/mask/x"),
    ("GET", "operations"),
)
KEYS = (
    "expression", "result", "values", "constantValue", "valueReference", "functionInvocationValue", "functionName",
    "arguments", "arrayValue", "dictionaryValue", "functionDefinitionValue", "argumentNames", "body", "integerValue",
    "grid", "crsCode", "affineTransform", "dimensions", "width", "height", "scaleX", "scaleY", "bandIds", "fileFormat",
    "visualizationOptions", "ranges", "min", "paletteColors", "gamma", "assetExportOptions", "earthEngineDestination",
    "name", "maxPixels", "requestId", "description", "pageSize", "pageToken", "type", "properties", "destinationName",
    "updateMask", "paths", "asset", "region", "coordinates", "0", "1",
)  # fmt: skip
TEXTS = ("0", "1", "EPSG:32631", "Image.constant", "Number.add", "PNG", "NPY", "FOLDER", f"{ROOT}/../x", f"{ROOT}/a")

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(TEXTS)
    | st.text(max_size=5)
)
bodies = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def service(small_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(small_scenes, tmp_path_factory.mktemp("malformed")) as started:
        yield started


@pytest.fixture(scope="module")
def ee(service: Service) -> Any:
    return service.client.ee


def refused(service: Service, method: str, path: str, body: Any, query: str = "") -> str:
    """The message of a refusal; an answer that is none fails the test."""
    status, answer = service.ask(method, path, body, query)
    assert 400 <= status < 500, answer
    assert set(answer["error"]) >= {"code", "message", "status"}
    return str(answer["error"]["message"])


@settings(max_examples=300)
@given(call=st.sampled_from(CALLS), body=bodies, query=st.text(max_size=10))
def test_nonsense_of_the_right_shape_is_refused(service: Service, call: tuple[str, str], body: Any, query: str):
    status, answer = service.ask(*call, json.dumps(body).encode(), query)
    assert status == 200 or 400 <= status < 500, answer
    assert not list(service.store.folder.parent.glob("x*"))


@settings(max_examples=100)
@given(data=st.data())
def test_truncated_and_scrambled_bodies_are_refused(service: Service, data: st.DataObject):
    whole = json.dumps({"expression": {"result": "0", "values": {"0": {"constantValue": [1, "x", {"a": None}]}}}})
    cut = whole.encode()[: data.draw(st.integers(1, len(whole) - 1))]
    refused(service, "POST", "value:compute", cut)
    noise = data.draw(st.binary(min_size=1, max_size=200))
    status, _ = service.ask("POST", "image:export", noise)
    assert 400 <= status < 500


@settings(max_examples=100)
@given(path=st.text(max_size=30), method=st.sampled_from(("GET", "POST", "PATCH", "DELETE", "PUT", "")))
def test_any_path_gets_an_answer(service: Service, path: str, method: str):
    status, _ = service.ask(method, path, {})
    assert status == 200 or 400 <= status < 500


arguments = st.dictionaries(
    st.sampled_from(("left", "right", "input", "image", "list", "value", "number", "string", "collection", "filter")),
    st.builds(lambda value: {"constantValue": value}, scalars | st.lists(scalars, max_size=2)),
    max_size=4,
)


@settings(max_examples=150)
@given(name=st.sampled_from(sorted(VOCABULARY)), given_arguments=arguments)
def test_algorithms_with_arguments_of_the_wrong_kind_do_not_break_the_engine(
    service: Service, name: str, given_arguments: dict[str, Any]
):
    call = {"functionInvocationValue": {"functionName": name, "arguments": given_arguments}}
    status, answer = service.ask("POST", "value:compute", {"expression": {"result": "0", "values": {"0": call}}})
    assert status in (200, 400, 404), (name, given_arguments, answer)


def call_of(name: str, **given_arguments: Any) -> dict[str, Any]:
    return {"functionInvocationValue": {"functionName": name, "arguments": given_arguments}}


def test_cycles_are_refused(service: Service):
    around = {"0": call_of("Number.abs", input={"valueReference": "1"}),
              "1": call_of("Number.abs", input={"valueReference": "0"})}  # fmt: skip
    message = refused(service, "POST", "value:compute", {"expression": {"result": "0", "values": around}})
    assert "refers to itself" in message
    itself = {"0": {"valueReference": "0"}}
    assert "itself" in refused(service, "POST", "value:compute", {"expression": {"result": "0", "values": itself}})


def test_a_graph_of_50000_nodes_is_answered_in_bounded_memory(service: Service):
    values: dict[str, Any] = {str(i): {"constantValue": i} for i in range(50_000)}
    values["all"] = {"arrayValue": {"values": [{"valueReference": str(i)} for i in range(50_000)]}}
    values["size"] = call_of("List.size", list={"valueReference": "all"})
    body = json.dumps({"expression": {"result": "size", "values": values}}).encode()
    tracemalloc.start()
    try:
        status, answer = service.ask("POST", "value:compute", body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    if "List.size" in VOCABULARY:
        assert (status, answer) == (200, {"result": 50_000})
    else:
        assert status == 400
    assert peak < 300 * 2**20


def test_a_graph_whose_unfolding_is_endless_is_evaluated_once_a_node(service: Service):
    """Each level uses the one below twice: 2^60 calls if sharing were lost."""
    values: dict[str, Any] = {"0": {"constantValue": 1}}
    for level in range(1, 61):
        below = {"valueReference": str(level - 1)}
        values[str(level)] = call_of("Number.max", left=below, right=below)
    status, answer = service.ask("POST", "value:compute", {"expression": {"result": "60", "values": values}})
    assert (status, answer) == (200, {"result": 1})


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').getcwd()",
        "(lambda: 0)()",
        "b('B2').__class__",
        "1 +",
        "((((" * 200,
        "1 ? 2 :",
        "exec('1')",
        "\x00",
        "",
    ],
)
def test_expression_strings_are_parsed_and_never_run(service: Service, ee: Any, text: str):
    with pytest.raises(Exception, match=r".") as caught:
        service.client.value(ee.Image(1).rename("B2").expression(text).bandNames())
    assert type(caught.value).__name__ in ("BadRequestError", "EEException")
    assert "failed unexpectedly" not in str(caught.value)


def test_nothing_is_evaluated_by_python_itself():
    package = Path(__file__).resolve().parents[2] / "s2mask_qgis" / "engines"
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec", "compile", "__import__"), f"{path}:{node.lineno}"


def test_a_long_path_and_a_long_query_are_refused(service: Service):
    assert "not implemented" in refused(service, "GET", "a" * 100_000, None)
    assert "whole number" in refused(service, "GET", "operations", None, "pageSize=" + "1" * 100_000)
    assert "page token" in refused(service, "POST", "table:computeFeatures", {"pageToken": {"a": 1}})


def test_the_service_still_answers(service: Service, ee: Any):
    assert service.client.value(ee.Number(1).add(1)) == 2
    assert service.ask("GET", "operations")[0] == 200
    assert service.ask("GET", f"../{PROJECT}/operations")[0] == 404
