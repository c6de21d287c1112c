"""Start a real QGIS with the built plugin in a fresh profile and wait for its answer; Xvfb serves without a display."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOG_PREFIX = "[s2mask] "
"""Begins the lines that a driver script prints for the user; the rest of QGIS's output stays in the log."""

JOB_VARIABLE = "S2MASK_JOB"
"""Names the JSON file that tells a driver script inside QGIS what to do."""

SCREEN = "-screen 0 1600x1000x24"
POLL_S = 0.2
KILL_AFTER_S = 10
TAIL_LINES = 25

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "PythonPlugins": {"s2mask_qgis": "true"},
    # No question and no request of QGIS's own shall come between: news, tips, updates.
    "app": {r"plugin_installer\checkOnStart": "false"},
    "core": {r"NewsFeed\httpsfeedqgisorg\disabled": "true"},
    "qgis": {"checkVersion": "false", "showTips322": "false", "showTips340": "false"},
}


class QgisError(Exception):
    """QGIS did not do what it was started for; the text says what was seen."""


@dataclass(frozen=True)
class Session:
    """What one QGIS is started with.

    ``script`` runs inside it and must write ``answer`` (a file) when it is done; ``environment`` reaches it through
    the process environment; ``log`` receives all that QGIS prints. ``on_display`` shows the window on the user's
    screen; ``keep_open`` leaves it there after the answer.
    """

    profiles: Path
    script: Path
    answer: Path
    log: Path
    timeout_s: float
    environment: Mapping[str, str] = field(default_factory=dict)
    on_display: bool = False
    keep_open: bool = False


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """True where a window would appear on somebody's screen."""
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def make_profile(profiles: Path, zip_path: Path) -> Path:
    """Make a fresh QGIS profile that has the plugin of ``zip_path`` switched on; returns the profile's folder."""
    shutil.rmtree(profiles, ignore_errors=True)
    profile = profiles / "profiles" / "default"
    plugins = profile / "python" / "plugins"
    plugins.mkdir(parents=True)
    with zipfile.ZipFile(zip_path) as archive:
        archive.extractall(plugins)
    settings = configparser.ConfigParser(delimiters="=")
    settings.optionxform = str  # type: ignore[assignment,method-assign]  # keys of QSettings are case-sensitive
    settings.read_dict(SETTINGS)
    ini = profile / "QGIS" / "QGIS3.ini"
    ini.parent.mkdir()
    with ini.open("w", encoding="utf-8") as file:
        settings.write(file, space_around_delimiters=False)
    return profile


def qgis_command(session: Session) -> list[str]:
    """The command line that starts QGIS."""
    qgis = ["qgis", "--nologo", "--noversioncheck", "--profiles-path", str(session.profiles.resolve())]
    qgis += ["--code", str(session.script.resolve())]
    return qgis if session.on_display else ["xvfb-run", "-a", "-s", SCREEN, *qgis]


def qgis_environment(session: Session, runtime_folder: Path) -> dict[str, str]:
    """The process environment of QGIS: ours, without what would bend its Python or its windows."""
    bent = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    if not session.on_display:
        bent |= {"QT_QPA_PLATFORM", "WAYLAND_DISPLAY"}
    environment = {name: value for name, value in os.environ.items() if name not in bent}
    environment.setdefault("XDG_RUNTIME_DIR", str(runtime_folder))
    return {**environment, **session.environment}


def run(session: Session, on_line: Callable[[str], None]) -> str:
    """Start QGIS, pass the driver's lines to ``on_line`` as they come, and return the text of the answer.

    Raises QgisError where QGIS ends without an answer or needs longer than the time-out; it is ended then.
    """
    session.answer.unlink(missing_ok=True)
    session.log.parent.mkdir(parents=True, exist_ok=True)
    runtime_folder = Path(tempfile.mkdtemp(prefix="s2mask-runtime-"))
    with session.log.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            qgis_command(session),
            env=qgis_environment(session, runtime_folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that all of it can be ended, and so that it may outlive us on a display
        )
    is_left_open = False
    try:
        _follow(session, process, on_line)
        is_left_open = session.keep_open
        return session.answer.read_text(encoding="utf-8")
    finally:
        if not is_left_open:
            _end(process)
            shutil.rmtree(runtime_folder, ignore_errors=True)


def do_job(
    driver: Path,
    job: Mapping[str, Any],
    folder: Path,
    profiles: Path,
    on_line: Callable[[str], None],
    *,
    keep_open: bool = False,
) -> dict[str, Any]:
    """Let a ``driver`` script do a job in a QGIS whose profile is ready, and return its answer (JSON values).

    ``job`` (JSON values, with ``timeout_s``) goes to job.json in ``folder``, where outcome.json and qgis.log come to
    lie; the driver also learns where the scripts are. Raises QgisError.
    """
    told = {
        **job,
        "scripts_folder": str(Path(__file__).resolve().parent),
        "answer": str((folder / "outcome.json").resolve()),
        "log_prefix": LOG_PREFIX,
        "keep_open": keep_open,
    }
    job_path = folder / "job.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        job_path.write_text(json.dumps(told, indent=1), encoding="utf-8")
    except OSError as error:
        raise QgisError(f"{folder} cannot be written ({error.strerror}). Choose another folder.") from error
    session = Session(
        profiles=profiles,
        script=driver,
        answer=folder / "outcome.json",
        log=folder / "qgis.log",
        timeout_s=job["timeout_s"],
        environment={JOB_VARIABLE: str(job_path.resolve())},
        on_display=keep_open,
        keep_open=keep_open,
    )
    answer: dict[str, Any] = json.loads(run(session, on_line))
    return answer


def _follow(session: Session, process: subprocess.Popen[bytes], on_line: Callable[[str], None]) -> None:
    """Wait until QGIS has answered and, unless it stays open, ended."""
    deadline = time.monotonic() + session.timeout_s
    with session.log.open(encoding="utf-8", errors="replace") as log:
        while True:
            code = process.poll()
            is_answered = session.answer.exists()
            _pass_lines(log.readlines(), on_line)
            if is_answered and (code is not None or session.keep_open):
                return
            if code is not None:
                raise QgisError(f"QGIS ended (exit code {code}) without an answer.\n{tail(session.log)}")
            if time.monotonic() > deadline:
                raise QgisError(f"QGIS gave no answer within {session.timeout_s:.0f} s.\n{tail(session.log)}")
            time.sleep(POLL_S)


def _pass_lines(lines: list[str], on_line: Callable[[str], None]) -> None:
    for line in lines:
        if line.startswith(LOG_PREFIX):
            on_line(line.removeprefix(LOG_PREFIX).rstrip())


def tail(log: Path) -> str:
    """The last lines of a log, with its name."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join([f"Last lines of {log}:", *lines])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of QGIS and its virtual display."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(KILL_AFTER_S)
        except subprocess.TimeoutExpired:
            continue
