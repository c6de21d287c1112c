"""The dock's section of Earth Engine: who is signed in, which project computes, and whether a run would work.

Nothing goes over the network before a click.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import QgsApplication
from qgis.gui import QgsCollapsibleGroupBoxBasic
from qgis.PyQt import uic
from qgis.PyQt.QtCore import QSignalBlocker, Qt, QUrl, pyqtSignal
from qgis.PyQt.QtGui import QDesktopServices, QGuiApplication
from qgis.PyQt.QtWidgets import QFileDialog, QSizePolicy, QWidget

from ..engines.errors import EngineError
from ..gis.errors import UserError
from ..gis.google_account import KEY, AccountChoice
from ..google.projects import id_problem
from ..jobs.request import EarthEngineChoice
from ..paths import form
from .checks_list import breakable
from .earth_engine_services import EarthEngineServices, real_earth_engine_services
from .parameter_form import keep_narrow
from .run_task import FunctionTask
from .sign_in_menu import sign_in_menu
from .tab_order import heading, order_tabs
from .wording import tr

if TYPE_CHECKING:
    from ..google.account import Connection
    from ..google.projects import Project
    from ..jobs.doctor import Check

Aim = tuple[EarthEngineChoice, Path | None]
"""What a run is to do at Earth Engine, and the folder for its results."""


class EarthEngineSection(QgsCollapsibleGroupBoxBasic):
    """The account and the project of runs on Earth Engine; ``changed`` follows every edit of either.

    ``aim`` is set by the dock and tells what the check is about; ``open_page`` shows a page in the system's browser.
    The one who made the section calls ``close_down`` before removing it.
    """

    changed = pyqtSignal()
    _page_asked = pyqtSignal(str)

    def __init__(self, services: EarthEngineServices | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("earth_engine.ui")), self, package=__package__)
        self._services = services or real_earth_engine_services()
        self._account = AccountChoice()
        self._connection: Connection | None = None
        self._page = ""
        self._task: FunctionTask | None = None
        self.aim: Callable[[], Aim] = lambda: (EarthEngineChoice(self.project()), None)
        self.open_page: Callable[[str], bool] = lambda url: QDesktopServices.openUrl(QUrl(url))
        self._set_up_widgets()
        self._connect()
        self._show_account()
        self._show_project()
        self._show_busy(False)

    # What is chosen

    @property
    def is_busy(self) -> bool:
        """True while something is asked."""
        return self._task is not None

    def project(self) -> str:
        """The project's id as it stands there."""
        return self.projectChoice.currentText().strip()

    def problem(self) -> str:
        """Why no run can use this section; empty where one can."""
        if not self._account.kind:
            return tr("Sign in to Earth Engine.")
        return id_problem(self.project())

    def connection(self) -> Connection | None:
        """What a run needs to talk to Google; None where nobody is signed in.

        For the main thread: QGIS may ask for the master password of its authentication database. UserError where the
        key cannot be read.
        """
        if self._connection is None and self._account.kind:
            self._connection = self._services.connect(self._account)
        return self._connection

    @property
    def is_connected(self) -> bool:
        """True once the account has been used, so that no password is asked for any more."""
        return self._connection is not None

    def remembered(self) -> dict[str, Any]:
        """What the settings may hold: whose account and which project, nothing secret."""
        return {"account": self._account.to_json(), "project": self.project()}

    def restore(self, state: dict[str, Any]) -> None:
        """Show what was remembered; nothing is asked of anybody."""
        project = state.get("project", "")
        with QSignalBlocker(self.projectChoice):
            self.projectChoice.setEditText(project if isinstance(project, str) else "")
        self.projectChoice.lineEdit().setCursorPosition(0)  # a long id shows its beginning
        self._show_project()
        self._take(AccountChoice.from_json(state.get("account")))

    def show_state(self, text: str) -> None:
        """Tell how things stand at the service: "28 of 3,000 tasks active; 1,204 of 10,000 assets"."""
        self.serviceState.show_fact(text)

    def stop(self) -> None:
        """Give up what goes on."""
        if self._task is not None:
            self._task.cancel()

    def close_down(self) -> None:
        """End everything that goes on."""
        self.stop()
        self._task = None  # its end is nobody's business any more

    def chain(self) -> list[QWidget]:
        """What takes the focus, in order."""
        buttons = [self.signInButton, self.signOutButton, self.projectChoice, self.projectsButton, self.checkButton]
        return [*heading(self), *buttons, self.copyButton, self.stopButton, self.checksList.button]

    # Set-up

    def _set_up_widgets(self) -> None:
        keep_narrow(self.projectChoice)
        self.projectChoice.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.busyBar.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.projectChoice.lineEdit().setPlaceholderText(tr("project id"))
        self.projectChoice.lineEdit().setClearButtonEnabled(True)
        self.projectsButton.setIcon(QgsApplication.getThemeIcon("/mActionRefresh.svg"))
        self.stopButton.setIcon(QgsApplication.getThemeIcon("/mTaskCancel.svg"))
        menu = sign_in_menu(self.signInButton, self.sign_in, self.use_command, self._choose_key)
        self.signInButton.setMenu(menu)
        order_tabs(self.chain())

    def _connect(self) -> None:
        self.signOutButton.clicked.connect(self.sign_out)
        self.projectChoice.editTextChanged.connect(self._on_project)
        self.projectsButton.clicked.connect(self.list_projects)
        self.checkButton.clicked.connect(self.check)
        self.stopButton.clicked.connect(self.stop)
        self.copyButton.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._page))
        self._page_asked.connect(self._on_page)

    # Signing in and out

    def sign_in(self, with_drive: bool = True) -> None:
        """Sign in in the system's browser."""
        work = partial(self._services.sign_in, with_drive, self._page_asked.emit)
        self._start(tr("Signing in"), tr("Waiting for your browser …"), work, self._on_account)

    def use_command(self) -> None:
        """Sign in with what the earthengine command has."""
        work = self._services.use_command
        self._start(tr("Signing in"), tr("Asking Google …"), work, self._on_account)

    def use_key(self, path: Path) -> None:
        """Sign in with a service account's key file."""
        work = partial(self._services.read_key, path)
        self._start(tr("Reading a key"), tr("Reading the key …"), work, self._on_key)

    def sign_out(self) -> None:
        """Use the account no more; a key is taken out of QGIS's authentication database."""
        self._services.forget(self._account)
        self._take(AccountChoice())
        self.serviceState.show_hint("")

    def _choose_key(self) -> None:
        title, kinds = tr("Key of a service account"), tr("Keys (*.json);;All files (*)")
        path, _kind = QFileDialog.getOpenFileName(self, title, "", kinds)
        if path:
            self.use_key(Path(path))

    def _on_page(self, url: str) -> None:
        """A page is to be shown to the user; asked for by a task, done here in the main thread."""
        if self._task is None:
            return
        self._page = url
        self.copyButton.setVisible(True)
        if not self.open_page(url):
            self.serviceState.show_problem(tr("Your browser did not open. Copy the address into one."))

    def _on_account(self, found: tuple[AccountChoice, str]) -> None:
        account, project = found
        self._propose(project)
        self._take(account)

    def _on_key(self, found: tuple[str, str]) -> None:
        text, project = found
        try:
            account = self._services.keep_key(text)
        except (UserError, EngineError) as error:
            self.serviceState.show_problem(str(error))
            return
        self._propose(project)
        self._take(account)

    def _propose(self, project: str) -> None:
        """A project where none is entered."""
        if project and not self.project():
            self.projectChoice.setEditText(project)

    def _take(self, account: AccountChoice) -> None:
        """From here on this account counts."""
        self._account = account
        self._connection = None
        self.checksList.show_checks("", ())
        self._show_account()
        self.changed.emit()

    # Projects and the check

    def list_projects(self) -> None:
        """Ask which projects the account has."""
        connection = self._connected()
        if connection is not None:
            project = "" if id_problem(self.project()) else self.project()
            work = partial(self._services.projects, connection, project)
            self._start(tr("Listing projects"), tr("Asking Google …"), work, self._on_projects)

    def check(self) -> None:
        """Look whether a run would work."""
        connection = self._connected()
        if connection is not None:
            choice, folder = self.aim()
            work = partial(self._services.examine, connection, choice, folder)
            self.checksList.show_checks("", ())
            self._start(tr("Checking Earth Engine"), tr("Asking Earth Engine …"), work, self._on_checks)

    def _connected(self) -> Connection | None:
        """The connection; where there is none the section says why."""
        try:
            return self.connection()
        except (UserError, EngineError) as error:
            self.serviceState.show_problem(str(error))
            return None

    def _on_projects(self, projects: list[Project]) -> None:
        chosen = self.project()
        with QSignalBlocker(self.projectChoice):
            self.projectChoice.clear()
            for row, project in enumerate(projects):
                self.projectChoice.addItem(project.id)
                self.projectChoice.setItemData(row, project.name, Qt.ItemDataRole.ToolTipRole)
            self.projectChoice.setEditText(chosen)
        if not projects:
            self.serviceState.show_problem(tr("The account has no project. Make one at code.earthengine.google.com."))
        elif not chosen and len(projects) == 1:
            self.projectChoice.setEditText(projects[0].id)
        elif self.isActiveWindow():
            self.projectChoice.showPopup()

    def _on_checks(self, checks: list[Check]) -> None:
        from ..jobs.doctor import QUOTA, summary

        self.checksList.show_checks(tr("Check: {}").format(summary(checks)), checks)
        quota = next((check.text for check in checks if check.name == QUOTA and check.state.value == "ok"), "")
        self.serviceState.show_fact(quota)

    def _on_project(self) -> None:
        self.checksList.show_checks("", ())
        self.serviceState.show_hint("")
        self._show_project()
        self.changed.emit()

    # Tasks

    def _start(self, title: str, hint: str, work: Callable[..., Any], then: Callable[[Any], None]) -> None:
        """Do something in a task; one goes on at a time."""
        if self._task is not None:
            return
        task = FunctionTask(title, work)
        task.succeeded.connect(lambda value: self._end(task, lambda: then(value)))
        task.failed.connect(lambda text: self._end(task, lambda: self.serviceState.show_problem(text)))
        task.stopped.connect(lambda: self._end(task, lambda: self.serviceState.show_hint(tr("Stopped."))))
        self._task = task
        self._page = ""
        self.serviceState.show_hint(hint)
        self._show_busy(True)
        QgsApplication.taskManager().addTask(task)

    def _end(self, task: FunctionTask, then: Callable[[], None]) -> None:
        if task is self._task:
            self._task = None
            self._page = ""
            self.serviceState.show_hint("")
            self._show_busy(False)
            then()

    # What is shown

    def _show_busy(self, busy: bool) -> None:
        for widget in (self.busyBar, self.stopButton):
            widget.setVisible(busy)
        self.copyButton.setVisible(False)
        for widget in (self.signInButton, self.signOutButton, self.projectChoice):
            widget.setEnabled(not busy)
        self._show_account()

    def _show_account(self) -> None:
        is_in = bool(self._account.kind)
        self.signInButton.setVisible(not is_in)
        self.signOutButton.setVisible(is_in)
        for button in (self.projectsButton, self.checkButton):
            button.setEnabled(is_in and not self.is_busy)
        if is_in:
            self.accountState.show_fact(tr("Signed in as {}").format(breakable(self._account.title)))
        else:
            self.accountState.show_hint(tr("Not signed in"))
        kept = tr("Takes the key out of QGIS's authentication database; its file stays where it is")
        left = tr("Forgets the account here; the earthengine command stays signed in")
        self.signOutButton.setToolTip(kept if self._account.kind == KEY else left)

    def _show_project(self) -> None:
        """What is wrong with an id as typed; none at all is asked for where a run is started."""
        self.projectState.show_problem(id_problem(self.project()) if self.project() else "")
