"""A parameters.py of the published scripts as parameters of a run, with every other name of it accounted for."""

from __future__ import annotations

import pytest

from s2mask_qgis.core.fields import ParameterError
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.jobs.script_parameters import LARGEST_BYTES, read_parameters
from tests.jobs.published_script import INTERPOLATION, MASKING

AS_SCRIPTS = {"model": "published", "shadow": False}


@pytest.fixture
def read(tmp_path):
    """Reads a text as a parameters.py."""

    def read_text(text: str):
        path = tmp_path / "parameters.py"
        path.write_text(text, encoding="utf-8")
        return read_parameters(path)

    return read_text


def problems_of(read, text: str) -> dict[str, str]:
    with pytest.raises(ParameterError) as error:
        read(text)
    return {problem.field: problem.text for problem in error.value.problems}


def test_the_parameters_of_masking_are_those_of_a_run(read):
    found = read(MASKING)
    assert found.values == {
        "model": "published",
        "shadow": False,
        "date_start": "2017-12-02",
        "date_end": "2019-01-30",
        "cutoff": 0.35,
        "number_of_images": 15,
        "number_preselect": 30,
        "allow_future": False,
        "do_clustering": True,
        "sample_size": 4000,
        "cluster_count": 8,
        "opening_radius_px": 3,
        "hours_excluded": 12,
        "common_area": 0.9,
    }
    assert RunParameters.from_json(found.values).number_of_images == 15


def test_every_name_without_a_counterpart_is_told_once(read):
    notes = read(MASKING).notes
    told = " ".join(notes)
    for name in ("land_geometry", "geometry", "NUMBER_TREES", "sampling_factor", "lmbda", "threshold_dif_cloud"):
        assert sum(name in note.partition(":")[0].split(", ") for note in notes) == 1, name
    for name in ("folder_GEE", "nb_task_max", "tileScale", "excel_file", "JSON_FILE", "LOG_FILE"):
        assert told.count(name) == 1, name
    assert "from 2017-12-02 to 2019-01-30" in told
    assert "from -11.2500 to 2.4500 degrees of longitude and 49.6300 to 60.8600 of latitude" in told


def test_what_is_done_here_anyway_is_not_told(read):
    told = " ".join(read(MASKING).notes)
    for name in ("COEF_NORMALISATION", "bands_thresholds", "SENTINEL2_BANDNAMES", "number_of_images", "date_start"):
        assert name not in told


def test_what_cannot_be_chosen_here_is_told(read):
    notes = read('CUTTOF = 0.3\nCOEF_NORMALISATION = 1\nharmo_10 = 8\ndependent = "EVI"').notes
    assert "COEF_NORMALISATION: cannot be chosen here, it is always 10000." in notes
    assert "harmo_10: cannot be chosen here, it is always 10." in notes
    assert "dependent: cannot be chosen here, it is always NDVI." in notes


def test_the_parameters_of_interpolation_are_read_too(read):
    found = read(INTERPOLATION)
    assert found.values == {**AS_SCRIPTS, "date_start": "2018-01-02", "date_end": "2018-12-30"}
    told = " ".join(found.notes)
    assert "ROI: an outline from -3.9000" in told
    assert "folder_GEE" in told
    assert "JSON_FILE" not in told
    assert "harmo" not in told


def test_dates_without_days_around_them_are_taken_as_they_are(read):
    found = read("date_start = datetime.date(2018, 1, 5)\ndate_end = '2018-2-5'\nnb_days_after = 0")
    assert found.values == {**AS_SCRIPTS, "date_start": "2018-01-05", "date_end": "2018-02-05"}
    assert "widened" not in " ".join(found.notes)


def test_dates_are_widened_as_far_as_the_calendar_goes(read):
    found = read("date_start = '0001-01-02'\ndate_end = '9999-12-30'\nnb_days_before = 30\nnb_days_after = 1")
    assert (found.values["date_start"], found.values["date_end"]) == ("0001-01-01", "9999-12-31")


def test_our_own_names_are_understood(read):
    assert read("scale = 20\nmodel = 'magnitude'\nthresholds = 'reflectance'").values == {
        "model": "magnitude",
        "shadow": False,
        "scale_m": 20,
        "thresholds": "reflectance",
    }


def test_every_problem_is_told_at_once_by_line_and_name(read):
    text = "CUTTOF = 7\nNUMBER_HOURS = 'x'\n\nnumPixels = 5e3\nnb_days_before = -1\ndate_end = '31-12-2018'"
    problems = problems_of(read, text)
    assert set(problems) == {"cutoff", "hours_excluded", "sample_size", "nb_days_before", "date_end"}
    assert problems["cutoff"].startswith("Line 1, CUTTOF: 7 cannot be used; allowed is a number from 0")
    assert problems["hours_excluded"].startswith("Line 2, NUMBER_HOURS: 'x' cannot be used")
    assert problems["sample_size"].startswith("Line 4, numPixels: 5000.0 cannot be used; allowed is a whole number")
    assert problems["nb_days_before"].startswith("Line 5, nb_days_before: -1 cannot be used")
    assert problems["date_end"].startswith("Line 6, date_end: '31-12-2018' is not a date")


def test_values_that_contradict_each_other_are_told(read):
    problems = problems_of(read, "date_start = '2019-01-01'\ndate_end = '2018-01-01'")
    assert problems["date_end"].startswith("Line 2, date_end: 2018-01-01 lies before date_start 2019-01-01")


@pytest.mark.parametrize(
    ("text", "field", "told"),
    [
        ("CUTTOF = best()", "cutoff", "Line 1: CUTTOF cannot be told without running the file"),
        ("CUTTOF = 0.3\nif True:\n    CUTTOF = 0.4", "cutoff", "Lines 2 to 3: CUTTOF cannot"),
        ("CUTTOF = 0.3\nCUTTOF += 0.1", "cutoff", "Line 2: CUTTOF cannot"),
        ("nb_days_before = days()", "nb_days_before", "Line 1: nb_days_before cannot"),
        (
            "PARAMS_SELECTBACKGROUND_DEFAULT = {'number_of_images': 5}\n"
            "PARAMS_SELECTBACKGROUND_DEFAULT['number_of_images'] = 9",
            "PARAMS_SELECTBACKGROUND_DEFAULT",
            "Line 2: PARAMS_SELECTBACKGROUND_DEFAULT cannot",
        ),
        ("PARAMS_CLOUDCLUSTERSCORE_DEFAULT = {'n_clusters': n()}", "cluster_count", "Line 1: n_clusters cannot"),
    ],
)
def test_a_parameter_that_only_running_would_tell_is_a_problem(read, text, field, told):
    assert problems_of(read, text)[field].startswith(told)


def test_lines_on_which_no_parameter_hangs_are_named_and_do_no_harm(read):
    found = read("CUTTOF = 0.3\nfolder = make()\nprint(1)\ndef f():\n    CUTTOF = 2\nMINE = 3")
    assert found.values == {**AS_SCRIPTS, "cutoff": 0.3}
    assert found.notes[1:] == (
        "Left out, since the scripts have no such parameter: MINE.",
        "Line 2: not read, since only running the file could tell what is there.",
        "Line 3: not read, since only running the file could tell what is there.",
        "Lines 4 to 5: not read, since only running the file could tell what is there.",
    )


@pytest.mark.parametrize(
    ("outline", "told"),
    [
        ("'users/somebody/outline'", "geometry: an asset of Earth Engine"),
        ("[[[400000, 5000000], [400100, 5000100]]]", "geometry: its corners are no degrees"),
        ("[]", "geometry: no list of corners"),
        ("7", "geometry: no list of corners"),
        ("((3, 50), (4, 51))", "geometry: an outline from 3.0000 to 4.0000 degrees of longitude"),
    ],
)
def test_an_outline_is_told_and_never_taken(read, outline, told):
    found = read(f"geometry = {outline}")
    assert found.values == AS_SCRIPTS
    assert any(note.startswith(told) for note in found.notes)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = = 1", "is no Python from line 1 on"),
        ("print('hello')", "is no parameters.py of the scripts"),
        ("x = 1", "is no parameters.py of the scripts"),
        ("", "is no parameters.py of the scripts"),
        ("#" * LARGEST_BYTES + "#", "longer than 1 MB"),
    ],
)
def test_a_file_that_is_no_parameters_py_is_refused(read, text, told):
    [problem] = problems_of(read, text).items()
    assert problem[0] == "file"
    assert told in problem[1]


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(ParameterError, match=r"cannot be read \(No such file"):
        read_parameters(tmp_path / "gone.py")
