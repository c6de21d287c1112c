"""A service account's key as the Google Cloud console writes it, made when tests begin."""

from __future__ import annotations

import json
from functools import cache

EMAIL = "runner@my-project.iam.gserviceaccount.com"


@cache
def private_key() -> str:
    """A small RSA key in PKCS#1: quick to make, of use to nobody."""
    import rsa

    return rsa.newkeys(1024)[1].save_pkcs1().decode()


def key_text(**changes: object) -> str:
    """The content of a key file with these fields changed."""
    fields = {
        "type": "service_account",
        "project_id": "my-project",
        "private_key_id": "0" * 40,
        "private_key": private_key(),
        "client_email": EMAIL,
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return json.dumps({**fields, **changes})
