"""The language of Image.expression against Python's arithmetic, and against whatever users may type."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mask_qgis.engines.local.algorithms.expression_language import parse_expression
from s2mask_qgis.engines.local.raster.windows import Rectangle
from s2mask_qgis.engines.local.values import ComputeError, ImageValue
from tests.engines.in_process import Assets, evaluate, evaluate_graph, grid_of, image_of, pixels_of, read, row


@pytest.fixture(scope="module", autouse=True)
def deep_stack() -> Iterator[None]:
    """As deep as a worker's, where expressions are read."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(limit)


def parsed(expression: str, **images: Any) -> ImageValue:
    """The image of an expression over the default image ``default`` and others."""
    default = images.pop("default", image_of({"B2": [100], "B10": [7], "B11": [3]}))
    given = {"DEFAULT_EXPRESSION_IMAGE": default, **images}
    arguments = {"expression": expression, "argName": "DEFAULT_EXPRESSION_IMAGE", "vars": list(given)}
    return parse_expression.invoke(arguments, Assets()).call(given)


def value(expression: str, **images: Any) -> Any:
    """The one pixel of an expression."""
    (pixels,) = read(parsed(expression, **images), Rectangle(grid_of((1, 1))))
    return pixels.tolist()[0][0]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("24 / 4 / 2", 3.0),
        ("7 % 4 * 2", 6),
        ("2 * 3 ** 2", 18.0),
        ("2 ** 3 ** 2", 512.0),
        ("-2 ** 2", -4.0),
        ("2 ** -1", 0.5),
        ("--3", 3),
        ("+3 - -2", 5),
        ("1 + 1 == 2", 1),
        ("1 < 2 == 1", 1),
        ("3 > 2 && 2 > 1", 1),
        ("0 && 0 || 1", 1),
        ("1 || 0 && 0", 1),
        ("!0 + 1", 2),
        ("not 3", 0),
        ("1 and 0 or 1", 1),
        ("6 & 3 | 8", 10),
        ("1 << 2 + 1", 8),
        ("5 & 4 == 4", 1),
        ("1 ? 2 : 3", 2),
        ("0 ? 2 : 0 ? 3 : 4", 4),
        ("1 ? 0 ? 5 : 6 : 7", 6),
        ("2 > 1 ? 10 : 20", 10),
        ("max(1, 2) + min(3, 4)", 5),
        ("abs(-3) + sqrt(16)", 7.0),
        ("pow(2, 5)", 32.0),
        (".5 + 1.5e1", 15.5),
        ("  1\n+\t1  ", 2),
    ],
)
def test_operators_bind_as_they_do_in_c(expression: str, expected: float):
    assert value(expression) == expected


@given(
    st.recursive(
        st.integers(0, 9).map(str),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["+", "-", "*", "<", ">=", "==", "!="]), inner).map(
                lambda parts: f"({' '.join(parts)})"
            ),
            st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} + {parts[1]} * {parts[2]})"),
            inner.map(lambda text: f"-{text}"),
        ),
        max_leaves=12,
    )
)
def test_arithmetic_is_that_of_python(expression: str):
    assert value(expression) == eval(expression, {"__builtins__": {}}, {})


def test_bands_of_the_default_image():
    assert value("b('B2') - b(\"B10\")") == 93
    assert value("b(0) + b(2)") == 103
    both = parsed("b('B10', 'B11')")
    assert both.band_names == ("B10", "B11")
    assert parsed("b()").band_names == ("B2", "B10", "B11")


def test_bands_of_named_images():
    other = image_of({"x": [5], "B2": [6]})
    assert value("i.x + i['B2'] + i[0]", i=other) == 16
    assert parsed("i", i=other).band_names == ("x", "B2")


def test_the_result_is_named_by_its_first_band_or_the_assignment():
    assert parsed("b('B10') / b('B2')").band_names == ("B10",)
    assert parsed("ratio = b('B10') / b('B2')").band_names == ("ratio",)


def test_a_ratio_to_zero_is_zero():
    zero = image_of({"B2": [0, 100], "B10": [7, 7]})
    image = parsed("b('B10') / b('B2')", default=zero)
    assert pixels_of(image, grid_of((1, 2)))["B10"].tolist() == [[0.0, 0.07]]


def test_a_choice_is_masked_with_its_condition_and_its_chosen_side():
    default = image_of({"c": [1, 0, 1, 0, 1], "x": [1, 2, 3, 4, 5]}, {"c": [1, 1, 0, 1, 1], "x": [1, 1, 1, 1, 0]})
    image = parsed(
        "c ? x : 9",
        default=default,
        c=image_of({"c": [1, 0, 1, 0, 1]}, {"c": [1, 1, 0, 1, 1]}),
        x=image_of({"x": [1, 2, 3, 4, 5]}, {"x": [1, 1, 1, 1, 0]}),
    )
    assert pixels_of(image, grid_of((1, 5)))["c"].tolist() == [[1, 9, None, 9, None]]


def test_the_client_builds_expressions(ee: ModuleType):
    one = image_of({"B8": [50, 10], "B4": [10, 10]})
    ndvi = ee.Image("one").expression(
        "(NIR - RED) / (NIR + RED)", {"NIR": ee.Image("one").select("B8"), "RED": ee.Image("one").select("B4")}
    )
    assert row(ndvi, 2, one=one) == {"B8": [40 / 60, 0.0]}
    shifted = ee.Image("one").expression("b('B4') + k", {"k": 0.5})
    assert row(shifted, 2, one=one) == {"B4": [10.5, 10.5]}


def test_a_variable_without_a_value_is_named(ee: ModuleType):
    expression = {
        "result": "0",
        "values": {
            "0": {"functionInvocationValue": {"functionReference": "1", "arguments": {}}},
            "1": {
                "functionInvocationValue": {
                    "functionName": "Image.parseExpression",
                    "arguments": {
                        "expression": {"constantValue": "x + 1"},
                        "argName": {"constantValue": "d"},
                        "vars": {"constantValue": ["d", "x"]},
                    },
                }
            },
        },
    }
    with pytest.raises(ComputeError, match="the variable 'd' has no value"):
        evaluate_graph(expression)


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("", "ends too early"),
        ("1 +", "ends too early"),
        ("(1", "needs '\\)' before 'its end'"),
        ("1)", "goes on unexpectedly at '\\)'"),
        ("1 2", "goes on unexpectedly at '2'"),
        ("* 2", "holds '\\*' where a value is needed"),
        ("1 ? 2", "needs ':'"),
        ("x + 1", "uses 'x', which is not among its variables"),
        ("b('B99')", "did not match any bands"),
        ("b(9)", "there is no band number 9"),
        ("b(1.5)", "chosen by name or number"),
        ("b('B2'", "needs ','"),
        ("b(B2)", "chosen by name or number"),
        ("foo(1)", "foo\\(1 arguments\\): not implemented by the local engine"),
        ("sqrt(1, 2)", "not implemented by the local engine"),
        ("1 $ 2", "cannot read the expression at ' \\$ 2'"),
        ("1 ^ 2", "the operator \\^ of expressions is not implemented by the local engine"),
        ("1 // 2", "the operator // of expressions is not implemented by the local engine"),
        ("'text'", "where a value is needed"),
        ("b('B2', 'B10') ? 1 : 2", "needs images of one band"),
        ("i.nothing", "did not match any bands"),
        ("b(" + "9" * 50 + ")", "chosen by name or number"),
    ],
)
def test_what_cannot_be_read_gets_a_sentence(expression: str, sentence: str):
    with pytest.raises(ComputeError, match=f"Image.parseExpression: .*{sentence}|^.*{sentence}"):
        value(expression, i=image_of({"x": [1]}))


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os')",
        "__import__('os').system('true')",
        "i.__class__",
        "().__class__",
        "eval('1')",
        "open('x')",
        "lambda: 1",
        "[1 for x in i]",
        "i.x.__dict__",
        "1; 2",
        "print(1)",
    ],
)
def test_python_is_not_run(expression: str):
    with pytest.raises(ComputeError):
        value(expression, i=image_of({"x": [1]}))


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("1 + " * 10_000 + "1", "longer than 20000 characters"),
        ("1+" * 5_000 + "1", "more than 2000 numbers, names and signs"),
        ("-" * 15_000 + "1", "more than 2000"),
        ("(" * 500 + "1" + ")" * 500, "nested deeper than 100 levels"),
        ("1?1:" * 400 + "1", "nested deeper than 100 levels"),
        ("9" * 5_000 + "**" * 3_000, "more than 2000"),
    ],
)
def test_long_and_deep_expressions_are_refused(expression: str, sentence: str):
    with pytest.raises(ComputeError, match=sentence):
        value(expression)


def test_long_expressions_within_the_limits_are_evaluated():
    assert value("1+" * 999 + "1") == 1000
    assert value("-" * 1998 + "1") == 1
    assert value("(" * 90 + "1" + ")" * 90) == 1
    assert value("9" * 4_000) == float("inf")
    assert value("12345678901234567890") == 12345678901234567890.0


TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ["b('B2')", "b(0)", "b", "i", "i.x", "(", ")", "+", "-", "*", "/", "%", "**", "?", ":", "!", "not", "and",
             "==", "=", "<<", ">>", "&", "|", "&&", "1", "2.5", "0", "1e400", "'", '"', ",", ".", "[", "]", "max(", "x",
             "B2", "log(", "\u0661", "\x00", "1e", "..", "9999999999999999999"]
        ),
        max_size=25,
    ).map(" ".join),
)  # fmt: skip


@given(TEXTS)
def test_any_text_gives_a_result_or_a_sentence(expression: str):
    with contextlib.suppress(ComputeError):
        image = parsed(expression, i=image_of({"x": [1]}))
        for pixels in read(image, Rectangle(grid_of((1, 1)))):
            assert pixels.shape == (1, 1)


def test_free_names_may_be_bands_of_the_default_image(ee: ModuleType):
    arguments = {"expression": "B10 / B2", "argName": "d", "vars": ["d"], "mapFreeVarsToDefaultImageBands": True}
    function = parse_expression.invoke(arguments, Assets())
    image = function.call({"d": image_of({"B2": [100], "B10": [7]})})
    assert pixels_of(image, grid_of((1, 1)))["B10"].tolist() == [[0.07]]
    assert evaluate(ee.Number(1)) == 1
