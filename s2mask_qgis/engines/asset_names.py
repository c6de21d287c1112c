"""Names of assets as the REST interface wants them, from the ids that users and expressions write."""

from __future__ import annotations

import re

from .errors import BadRequestError

PUBLIC = "projects/earthengine-public/assets/"
LEGACY = "projects/earthengine-legacy/assets/"
_NAME = re.compile(r"projects/[^/]+/assets(/.*)?")
_ALLOWED = re.compile(r"[\w-]+(/[\w-]+)*", re.ASCII)


def asset_name(asset: str) -> str:
    """The name projects/P/assets/… of an asset: of a user's old home (users/U/…), of an old project, or of the
    public catalogue (COPERNICUS/S2/…)."""
    if _NAME.fullmatch(asset):
        return asset
    return (LEGACY if asset.split("/")[0] in ("users", "projects") else PUBLIC) + asset


def root_of(name: str) -> str:
    """The root of the tree that an asset lies in, for which quotas are told: a project's, or a user's old home."""
    parts = name.split("/")
    return "/".join(parts[:5] if name.startswith(f"{LEGACY}users/") else parts[:3])


def folder_name(folder: str, project: str) -> str:
    """The name of the folder that a user means: whole, of an old home, or as a path within the project.

    BadRequestError where it cannot be the name of a folder.
    """
    text = folder.strip().strip("/")
    if not text:
        return f"projects/{project}/assets"
    name = asset_name(text) if text.split("/")[0] in ("users", "projects") else f"projects/{project}/assets/{text}"
    rest = name.split("/assets", 1)[1].strip("/")
    if rest and _ALLOWED.fullmatch(rest) is None:
        raise BadRequestError(
            f"{folder!r} cannot be the name of a folder of assets: letters, digits, - and _ are allowed, and / between "
            "folders. Choose another one."
        )
    return name
