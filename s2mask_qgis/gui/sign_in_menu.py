"""The ways to sign in to Google, as a menu."""

from __future__ import annotations

from collections.abc import Callable

from qgis.PyQt.QtWidgets import QMenu, QWidget

from .wording import tr


def sign_in_menu(
    parent: QWidget,
    in_browser: Callable[[bool], None],
    use_command: Callable[[], None],
    choose_key: Callable[[], None],
) -> QMenu:
    """A menu whose entries call these; ``in_browser`` is told whether Drive and Cloud Storage are asked for too."""
    menu = QMenu(parent)
    menu.setToolTipsVisible(True)

    def add(text: str, tip: str, work: Callable[[], None]) -> None:
        action = menu.addAction(text)
        action.setToolTip(tip)
        action.triggered.connect(lambda _checked: work())

    shared = tr("Google asks in your browser. The earthengine command on this computer shares the sign-in.")
    less = tr("For accounts that Google does not allow the whole set: results go to assets or to this computer.")
    read = tr("Uses the sign-in that the earthengine command has on this computer; its file is only read.")
    kept = tr("The key goes into QGIS's authentication database, encrypted with its master password.")
    add(tr("In the &browser …"), shared, lambda: in_browser(True))
    add(tr("In the browser, without &Drive and Cloud Storage …"), less, lambda: in_browser(False))
    add(tr("As the &earthengine command"), read, use_command)
    add(tr("With a service account's &key …"), kept, choose_key)
    return menu
