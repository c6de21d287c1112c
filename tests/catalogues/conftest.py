"""The two stand-ins, and catalogues that ask them without waiting."""

from __future__ import annotations

from datetime import date

import pytest

from s2mask_qgis.catalogues.copernicus import Copernicus
from s2mask_qgis.catalogues.google_bucket import GoogleBucket
from s2mask_qgis.catalogues.tokens import Account, SignIn
from s2mask_qgis.core.area import Area
from s2mask_qgis.web.session import Patience, Session
from tests.catalogues.stand_in import Bucket, DataSpace

AREA = Area(((((15.0, 48.0), (15.1, 48.0), (15.1, 48.1), (15.0, 48.1), (15.0, 48.0)),),))
YEAR = (date(2023, 1, 1), date(2023, 12, 31))


class Clock:
    """Time that passes by sleeping only."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def session(clock):
    return Session(patience=Patience(attempts=4), sleep=clock.sleep, draw=lambda: 1.0)


@pytest.fixture
def bucket():
    server = Bucket()
    yield server
    server.close()


@pytest.fixture
def space():
    server = DataSpace()
    yield server
    server.close()


@pytest.fixture
def google(bucket, session):
    return GoogleBucket(session, bucket.url, "bucket")


@pytest.fixture
def sign_in(space, session, clock):
    return SignIn(Account("ann", space.password), session, f"{space.url}/token", lambda: clock.now)


@pytest.fixture
def copernicus(space, session, sign_in):
    return Copernicus(session, sign_in, space.url, space.url)
