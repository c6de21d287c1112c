from __future__ import annotations

from s2mask_qgis.gui.state_label import StateLabel


def test_a_problem_without_words_is_none(qtbot):
    label = StateLabel()
    qtbot.addWidget(label)
    label.show_problem("The disk is full.")
    assert label.has_problem
    label.show_problem("")
    assert not label.has_problem
    assert label.isHidden()
