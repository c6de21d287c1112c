"""Everything that can go wrong at an engine, as one small tree of errors whose text is for the user.

EngineError
├── SignInError        not signed in, or not allowed
├── QuotaError         a limit of the service is used up
├── BadRequestError    the service refused the request; sending it again will not help
│   └── NotFoundError  the asset or product does not exist
├── SceneError         a product on disk cannot be used (which, why)
├── StorageError       the disk is full or a folder cannot be written
├── TransientError     worth trying again later
└── CancelledError     stopped on request
"""

from __future__ import annotations


class EngineError(Exception):
    """Base of all errors that leave an engine; the text says what is wrong, where, and what to do."""


class SignInError(EngineError):
    """The service does not know the user, or does not allow this."""


class QuotaError(EngineError):
    """A limit of the service is used up."""


class BadRequestError(EngineError):
    """The service refused the request; sending it again will not help."""


class NotFoundError(BadRequestError):
    """The asset or product does not exist."""


class SceneError(EngineError):
    """A product on disk cannot be used; the text names the product and the reason."""


class StorageError(EngineError):
    """The disk is full, or a folder cannot be written."""


class TransientError(EngineError):
    """A failure that may pass; trying again later is worth it."""


class CancelledError(EngineError):
    """The work was stopped on request."""
