"""The account at Google that the user chose, and its secrets in QGIS's authentication database.

The settings hold which account it is and never what opens it. Functions here belong to the main thread.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from qgis.core import QgsApplication, QgsAuthMethodConfig, QgsSettings

from ..google.account import Account, Connection
from ..google.credentials import COMMAND_TITLE, check_key, command_account, key_account
from .errors import UserError
from .network import qgis_fetch
from .plugin_folders import PREFIX

SETTING = PREFIX + "earth_engine"
"""Where the dock keeps what its section of Earth Engine remembers, as JSON."""
COMMAND, KEY = "command", "key"
ENTRY_KIND = "s2mask-google-key"
"""The kind of our entries: unknown to QGIS, so it offers them for no layer and sends them to nobody."""
ENTRY_VALUE = "key"
OPEN_IT = "Open QGIS's authentication database with its master password."


@dataclass(frozen=True)
class AccountChoice:
    """Which account is used: none (""), that of the ``earthengine`` command, or a service account's key.

    ``config_id`` is the key's entry in the authentication database; ``title`` says whose account it is.
    """

    kind: str = ""
    config_id: str = ""
    title: str = ""

    @classmethod
    def from_json(cls, values: Any) -> AccountChoice:
        """A remembered choice; none where it cannot be used."""
        if not isinstance(values, dict):
            return cls()
        found = {name: values.get(name, "") for name in ("kind", "config_id", "title")}
        is_right = all(isinstance(value, str) for value in found.values()) and found["kind"] in (COMMAND, KEY)
        return cls(**found) if is_right else cls()

    def to_json(self) -> dict[str, str]:
        """As values by name."""
        return asdict(self)


def command_choice(title: str = "") -> AccountChoice:
    """The account of the ``earthengine`` command."""
    return AccountChoice(COMMAND, "", title or COMMAND_TITLE)


def connect(choice: AccountChoice) -> Connection:
    """The account with QGIS's network, to be handed to a task. Nothing is asked over the network yet.

    UserError where nobody is signed in or the key cannot be read.
    """
    return Connection(_account(choice), qgis_fetch)


def connection_of(settings: QgsSettings) -> Connection:
    """:func:`connect` for the account that the dock remembers."""
    return connect(AccountChoice.from_json(_remembered(settings).get("account")))


def project_of(settings: QgsSettings) -> str:
    """The project that the dock remembers, "" where there is none."""
    project = _remembered(settings).get("project", "")
    return project if isinstance(project, str) else ""


def keep_key(text: str) -> AccountChoice:
    """Put a service account's key into the authentication database, in place of an earlier one of the same account.

    SignInError where it is no key, UserError where the database is not open.
    """
    facts = check_key(text)
    manager = _opened_manager()
    name = f"S2 Mask: {facts.email}"
    config = QgsAuthMethodConfig(ENTRY_KIND)
    config.setName(name)
    config.setVersion(1)
    config.setConfig(ENTRY_VALUE, text)
    for identifier, other in manager.availableAuthMethodConfigs().items():
        if other.method() == ENTRY_KIND and other.name() == name:
            config.setId(identifier)
    is_kept = manager.updateAuthenticationConfig(config) if config.id() else _stored(manager, config)
    if not is_kept:
        raise UserError(f"The key cannot be kept. {OPEN_IT}")
    return AccountChoice(KEY, config.id(), key_account(text).title)


def forget(choice: AccountChoice) -> None:
    """Remove what was kept for an account: a key's entry. The command's sign-in is the command's own and stays."""
    if choice.kind == KEY and choice.config_id:
        QgsApplication.authManager().removeAuthenticationConfig(choice.config_id)


def _account(choice: AccountChoice) -> Account:
    if choice.kind == COMMAND:
        return command_account(choice.title)
    if choice.kind == KEY:
        return key_account(_key(choice.config_id))
    raise UserError("Nobody is signed in to Earth Engine. Sign in first, in the dock.")


def _key(config_id: str) -> str:
    """A key's text from the authentication database."""
    manager = _opened_manager()
    is_loaded, config = manager.loadAuthenticationConfig(config_id, QgsAuthMethodConfig(), True)
    text = config.config(ENTRY_VALUE) if is_loaded and config.method() == ENTRY_KIND else ""
    if not text:
        raise UserError("The service account's key is not in QGIS's authentication database. Choose its file again.")
    return text


def _opened_manager() -> Any:
    """QGIS's authentication manager; it asks for the master password itself where that was not entered yet."""
    manager = QgsApplication.authManager()
    if manager.isDisabled():
        raise UserError(f"QGIS's authentication database cannot be used ({manager.disabledMessage()}).")
    if not manager.setMasterPassword(True):
        raise UserError(f"The key cannot be read or kept. {OPEN_IT}")
    return manager


def _stored(manager: Any, config: QgsAuthMethodConfig) -> bool:
    stored = manager.storeAuthenticationConfig(config)
    return bool(stored[0] if isinstance(stored, tuple) else stored)  # a pair since QGIS 3.20


def _remembered(settings: QgsSettings) -> dict[str, Any]:
    try:
        values = json.loads(settings.value(SETTING, "{}"))
    except (TypeError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
