"""Decision trees of single images: Hollstein et al. (2016), Remote Sensing 8(8):666, on reflectance."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ee

TREE1 = (
    "(b('B3') < 0.325 && b('B8A') < 0.166 && b('B10') > 0.011)"
    " || (b('B3') > 0.325 && b('B11') < 0.267 && b('B4') < 0.674)"
    " || (b('B3') > 0.325 && b('B11') > 0.267 && b('B7') < 1.544)"
)
"""Cloud by the first published tree."""

TREE2 = (
    "(b('B8A') > 0.156 && b('B3') < 0.333 && b('B10') / b('B2') > 0.065)"
    " || (b('B8A') > 0.156 && b('B3') > 0.333 && b('B6') / b('B11') < 4.292)"
)
"""Cloud by the second published tree."""

TREE3 = (
    "(b('B8A') > 0.051 && b('B8A') < 0.181 && b('B12') < 0.097 && b('B10') > 0.011)"
    " || (b('B8A') > 0.181 && b('B1') < 0.331 && b('B10') < 0.012 && b('B2') > 0.271)"
    " || (b('B8A') > 0.181 && b('B1') < 0.331 && b('B10') > 0.012)"
    " || (b('B8A') > 0.181 && b('B1') > 0.331 && b('B11') < 0.239 && b('B2') < 0.711)"
    " || (b('B8A') > 0.181 && b('B1') > 0.331 && b('B11') > 0.239 && b('B5') < 1.393)"
)
"""Cloud by the third published tree."""


TREES = {1: TREE1, 2: TREE2, 3: TREE3}
"""The published trees by number."""


def tree(reflectance: ee.Image, expression: str) -> ee.Image:
    """1 where a tree calls cloud, else 0; masked where a band that it reads is masked.

    ``reflectance`` has the bands that it reads as top-of-atmosphere reflectance (1 = all light). B10 / B2 is 0 where
    B2 is 0.
    """
    return reflectance.expression(expression)
