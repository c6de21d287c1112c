"""Where Google's services answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Urls:
    """Where the services answer; a stand-in is elsewhere."""

    resources: str = "https://cloudresourcemanager.googleapis.com"
    usage: str = "https://serviceusage.googleapis.com"
    drive: str = "https://www.googleapis.com/drive/v3"


GOOGLE = Urls()
