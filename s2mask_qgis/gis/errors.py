"""Errors of the map side whose text is for the user: what is wrong, where, and what to do."""

from __future__ import annotations


class UserError(ValueError):
    """An error whose text can be shown as it is."""


class ResultError(UserError):
    """A result that cannot be shown."""
