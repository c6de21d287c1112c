"""The session without waiting that the catalogues are tested with too."""

from tests.catalogues.conftest import clock as clock
from tests.catalogues.conftest import session as session
