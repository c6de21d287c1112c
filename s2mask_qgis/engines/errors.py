"""Everything that can go wrong at an engine, as one small tree of errors whose text is for the user.

EngineError
├── SignInError        not signed in, or not allowed
├── QuotaError         a limit of the service is used up
│   ├── QueueFullError   as many tasks wait as the service takes: wait for some of them to end
│   └── RateError        too many requests at once: send fewer
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


class QueueFullError(QuotaError):
    """As many tasks wait as the service takes; it takes more when some of them have ended."""


class RateError(QuotaError):
    """Too many requests in too short a time; the same request succeeds a little later."""


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
