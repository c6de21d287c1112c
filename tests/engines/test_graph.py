"""Expression graphs: what is not one is refused with a sentence, and functions see what they should."""

from __future__ import annotations

import contextlib
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mask_qgis.engines.local.graph import MAX_DEPTH, MAX_NODES, decode
from s2mask_qgis.engines.local.values import ComputeError
from tests.engines.in_process import Assets, evaluate, evaluate_graph

ONE = {"constantValue": 1}


def graph(result: Any = "0", **values: Any) -> dict[str, Any]:
    return {"result": result, "values": {name.lstrip("v"): value for name, value in values.items()}}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"functionInvocationValue": {"functionName": name, "arguments": arguments}}


def reference(name: Any) -> dict[str, Any]:
    return {"valueReference": name}


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        (None, "an object with 'result' and 'values'"),
        ("text", "an object with 'result' and 'values'"),
        ([], "an object with 'result' and 'values'"),
        ({"values": []}, "an object with 'result' and 'values'"),
        ({"values": {}}, "refers to a value None that it does not hold"),
        (graph("7", v0=ONE), "refers to a value '7'"),
        (graph(["0"], v0=ONE), "refers to a value \\['0'\\]"),
        (graph(v0=reference("1")), "refers to a value '1'"),
        (graph(v0=reference({})), "refers to a value {}"),
        (graph(v0=reference("0")), "refers to itself at value '0'"),
        (graph(v0=call("Number.abs", input=reference("1")), v1=reference("0")), "refers to itself"),
        (graph(v0={"arrayValue": {"values": [reference("0")]}}), "refers to itself at value '0'"),
        (graph(v0=None), "an object with exactly one kind"),
        (graph(v0=7), "an object with exactly one kind"),
        (graph(v0={}), "an object with exactly one kind"),
        (graph(v0={"constantValue": 1, "integerValue": "1"}), "an object with exactly one kind"),
        (graph(v0={"bytesValue": "x"}), "the unknown kind 'bytesValue'"),
        (graph(v0={"integerValue": "x"}), "'x' is not an integer"),
        (graph(v0={"integerValue": None}), "None is not an integer"),
        (graph(v0={"integerValue": float("inf")}), "inf is not an integer"),
        (graph(v0={"integerValue": "9" * 5000}), "is not an integer"),
        (graph(v0={"argumentReference": 3}), "argumentReference must be text, not int"),
        (graph(v0={"argumentReference": "x"}), "an argument 'x' that no function around it has"),
        (graph(v0={"arrayValue": []}), "values must be a list"),
        (graph(v0={"arrayValue": {"values": {}}}), "values must be a list"),
        (graph(v0={"arrayValue": {"values": [3]}}), "an object with exactly one kind"),
        (graph(v0={"dictionaryValue": {"values": []}}), "values must be an object"),
        (graph(v0={"functionDefinitionValue": []}), "argumentNames must be a list"),
        (graph(v0={"functionDefinitionValue": {"argumentNames": [1], "body": "1"}}, v1=ONE), "must be text, not int"),
        (graph(v0={"functionDefinitionValue": {"argumentNames": ["x"]}}), "refers to a value None"),
        (graph(v0={"functionInvocationValue": "x"}), "arguments must be an object"),
        (graph(v0={"functionInvocationValue": {}}), "refers to a value None"),
        (graph(v0={"functionInvocationValue": {"functionName": 1}}), "functionName must be text, not int"),
        (graph(v0={"functionInvocationValue": {"functionReference": "1"}}, v1=ONE), "called as if it were a function"),
    ],
)
def test_what_is_not_an_expression_gets_a_sentence(expression: Any, sentence: str):
    with pytest.raises(ComputeError, match=sentence):
        evaluate_graph(expression)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(["0", "1", "x", "Number.add"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["constantValue", "integerValue", "valueReference", "argumentReference", "arrayValue", "values", "body",
                 "dictionaryValue", "functionDefinitionValue", "argumentNames", "functionInvocationValue",
                 "functionName", "functionReference", "arguments", "left", "right"]
            ),
            inner,
            max_size=2,
        ),
    ),
    max_leaves=15,
)  # fmt: skip


@given(st.fixed_dictionaries({"result": JSON, "values": st.dictionaries(st.sampled_from(["0", "1", "2"]), JSON)}))
def test_any_json_gives_a_value_or_a_sentence(expression: Any):
    with contextlib.suppress(ComputeError):
        evaluate_graph(expression)


def chain(length: int, is_nested: bool) -> dict[str, Any]:
    """1 + 1 + 1 …, each sum inside the next, or each a value of its own."""
    if not is_nested:
        values = {str(i): call("Number.add", left=reference(str(i + 1)), right=ONE) for i in range(length)}
        return {"result": "0", "values": {**values, str(length): ONE}}
    node = ONE
    for _ in range(length):
        node = call("Number.add", left=node, right=ONE)
    return {"result": "0", "values": {"0": node}}


@pytest.mark.parametrize("is_nested", [True, False])
def test_deep_graphs_are_refused_and_not_fallen_over(is_nested: bool):
    with pytest.raises(ComputeError, match=f"nested deeper than {MAX_DEPTH} levels"):
        decode(chain(50_000, is_nested))


@pytest.mark.parametrize(("is_nested", "length"), [(True, MAX_DEPTH - 2), (False, MAX_DEPTH // 2 - 2)])
def test_graphs_almost_too_deep_are_decoded_on_a_small_stack(is_nested: bool, length: int):
    decode(chain(length, is_nested))
    assert evaluate_graph(chain(50, is_nested)) == 51


def test_wide_graphs_are_decoded_once_a_value():
    values = {str(i): call("Number.add", left=reference("last"), right=ONE) for i in range(50_000)}
    values |= {"all": {"arrayValue": {"values": [reference(str(i)) for i in range(50_000)]}}, "last": ONE}
    assert evaluate_graph({"result": "all", "values": values}) == [2] * 50_000


def test_too_many_values_are_refused():
    with pytest.raises(ComputeError, match=f"more than {MAX_NODES} values"):
        decode({"result": "0", "values": dict.fromkeys(map(str, range(MAX_NODES + 1)), ONE)})


def doubling(length: int, first: dict[str, Any]) -> dict[str, Any]:
    """Values each of which is the one before added to itself."""
    values = {"v0": first}
    for i in range(1, length + 1):
        values[f"v{i}"] = call("Number.add", left=reference(str(i - 1)), right=reference(str(i - 1)))
    return values


def test_a_shared_value_is_computed_once():
    assert evaluate_graph(graph("60", **doubling(60, ONE))) == 2**60


def test_a_value_shared_inside_a_function_is_computed_once_a_call():
    values = doubling(60, {"argumentReference": "x"})
    function = {"functionDefinitionValue": {"argumentNames": ["x"], "body": "60"}}
    mapped = call("List.map", list={"constantValue": [1, 2, 3]}, baseAlgorithm=reference("f"))
    assert evaluate_graph(graph("m", f=function, m=mapped, **values)) == [2**60, 2 * 2**60, 3 * 2**60]


def test_an_algorithm_outside_the_vocabulary_is_refused_by_name(ee: ModuleType):
    with pytest.raises(ComputeError, match=r"^Image\.hypot: not implemented by the local engine$"):
        evaluate_graph(graph(v0=call("Image.hypot", left=ONE, right=ONE)))


def test_refusal_comes_before_evaluation_and_names_the_first_by_alphabet():
    broken = call("Image.load", id={"constantValue": "nowhere"})
    both = {"arrayValue": {"values": [broken, call("Zeta"), call("Alpha.beta")]}}
    with pytest.raises(ComputeError, match=r"^Alpha\.beta: not implemented by the local engine$"):
        evaluate_graph(graph(v0=both))


def test_algorithms_inside_functions_that_are_never_called_are_refused_too():
    function = {"functionDefinitionValue": {"argumentNames": ["x"], "body": "1"}}
    mapped = call("List.map", list={"constantValue": []}, baseAlgorithm=function)
    with pytest.raises(ComputeError, match=r"^Nope: not implemented"):
        evaluate_graph(graph(v0=mapped, v1=call("Nope")))


@pytest.mark.parametrize(
    ("node", "sentence"),
    [
        (call("Number.add", left=ONE), "^Number.add: the required argument 'right' is missing"),
        (call("Number.add", left=ONE, right=ONE, more=ONE), "^Number.add: there is no argument 'more'"),
        (call("Number.add", left=ONE, right={"constantValue": None}), "'right' cannot be null"),
        (
            call("Number.add", left=ONE, right={"constantValue": "x"}),
            "argument 'right': a number is needed, not str 'x'",
        ),
        (
            call("Image.add", image1=ONE, image2={"constantValue": "x"}),
            "argument 'image2': cannot make an image of a str",
        ),
        (call("List.get", list={"constantValue": [1]}, index={"constantValue": 0.5}), "a whole number is needed"),
        (call("Collection.size", collection=ONE), "cannot make a collection of a int"),
    ],
)
def test_arguments_that_do_not_fit_are_named(node: dict[str, Any], sentence: str):
    with pytest.raises(ComputeError, match=sentence):
        evaluate_graph(graph(v0=node))


def test_functions_take_their_arguments_by_name():
    function = {"functionDefinitionValue": {"argumentNames": ["x", "y"], "body": "body"}}
    body = call("Number.subtract", left={"argumentReference": "x"}, right={"argumentReference": "y"})
    invoked = {
        "functionInvocationValue": {"functionReference": "f", "arguments": {"y": ONE, "x": {"constantValue": 5}}}
    }
    assert evaluate_graph(graph("r", f=function, body=body, r=invoked)) == 4


def test_a_function_called_without_one_of_its_arguments_says_which():
    function = {"functionDefinitionValue": {"argumentNames": ["x"], "body": "body"}}
    invoked = {"functionInvocationValue": {"functionReference": "f", "arguments": {}}}
    with pytest.raises(ComputeError, match="an argument 'x'"):
        evaluate_graph(graph("r", f=function, body={"argumentReference": "x"}, r=invoked))


def test_inner_functions_see_the_arguments_around_them(ee: ModuleType):
    table = ee.List([1, 2]).map(lambda a: ee.List([10, 20]).map(lambda b: ee.Number(a).multiply(b)))
    assert evaluate(table) == [[10, 20], [20, 40]]


def test_an_inner_argument_hides_an_outer_one_of_the_same_name():
    inner = {"functionDefinitionValue": {"argumentNames": ["x"], "body": "twice"}}
    twice = call("Number.multiply", left={"argumentReference": "x"}, right={"constantValue": 2})
    body = call("List.map", list={"arrayValue": {"values": [{"argumentReference": "x"}, {"constantValue": 10}]}},
                baseAlgorithm=reference("inner"))  # fmt: skip
    outer = {"functionDefinitionValue": {"argumentNames": ["x"], "body": "body"}}
    mapped = call("List.map", list={"constantValue": [1, 2]}, baseAlgorithm=reference("outer"))
    found = evaluate_graph(graph("m", inner=inner, twice=twice, body=body, outer=outer, m=mapped))
    assert found == [[2, 20], [4, 20]]


def test_lists_and_dictionaries_keep_their_order(ee: ModuleType):
    value = ee.Dictionary({"b": ee.Number(1).add(1), "a": ee.List([ee.Number(3), "x"])})
    assert list(evaluate(value).items()) == [("a", [3, "x"]), ("b", 2)] or evaluate(value) == {"b": 2, "a": [3, "x"]}
    assert evaluate(ee.List([3, 1, 2]).get(-1)) == 2


def test_negative_counts_of_a_list_are_refused(ee: ModuleType):
    collection = ee.FeatureCollection([ee.Feature(None, {"n": n}) for n in range(3)])
    assert [feature.properties["n"] for feature in evaluate(collection.toList(5, 1))] == [1, 2]
    for arguments in ((-1, 0), (1, -1)):
        with pytest.raises(ComputeError, match="must not be negative"):
            evaluate(collection.toList(*arguments))


def test_assets_that_do_not_exist_are_named(ee: ModuleType):
    with pytest.raises(ComputeError, match="Image asset 'nowhere' does not exist"):
        evaluate_graph(graph(v0=call("Image.load", id={"constantValue": "nowhere"})), Assets())


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("1970-01-01", 0),
        ("2020-1-5", 1578182400000),
        ("2020-01-05T10:00:00", 1578218400000),
        ("2020-01-05T10:00:00.25Z", 1578218400250),
        ("1969-12-31T23:59:59.999", -1),
    ],
)
def test_dates_are_read_from_texts(ee: ModuleType, text: str, millis: int):
    assert evaluate(ee.Date(text).millis()) == millis


@pytest.mark.parametrize("text", ["", "2020-13-01", "2020-02-30", "5 May 2020", "2020-01-05T25:00", "20200105"])
def test_other_texts_are_no_dates(ee: ModuleType, text: str):
    with pytest.raises(ComputeError, match="is not a date"):
        evaluate(ee.Date(text).millis())
