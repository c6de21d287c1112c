"""The Earth Engine client is shared with other plugins: ours neither uses their account nor takes their place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

START = """
import json, socket, sys

def refuse(*arguments, **options):
    raise AssertionError(f"the network was asked for {arguments}")

socket.socket.connect = refuse
socket.getaddrinfo = refuse

class Neighbour:
    '''The transport of another plugin, which has an account.'''

    asked = []

    def request(self, uri, method="GET", body=None, headers=None, **options):
        import httplib2
        from s2mask_qgis.engines.local.discovery import document
        from s2mask_qgis.engines.local.vocabulary import signatures

        self.asked.append(uri)
        answer = {"result": "theirs"}
        if "discovery" in uri:
            answer = document("https://neighbour.example")
        elif "algorithms" in uri:
            answer = {"algorithms": signatures()}
        return httplib2.Response({"status": "200", "content-type": "application/json"}), json.dumps(answer).encode()

def neighbour():
    import ee
    ee.deprecation.deprecated_assets = {"": None}
    ee.Initialize(credentials=None, url="https://neighbour.example", project="neighbour", http_transport=Neighbour())
    return ee

def ours(log):
    from s2mask_qgis.engines.client import ServiceClient
    return ServiceClient(lambda call: (log.append(call.path), b'{"result": 5}')[1], "ours")
"""


def carry_out(program: str) -> list:
    """What a program in a process of its own prints as JSON."""
    command = [sys.executable, "-c", START + program]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1])


def test_expressions_are_built_without_the_network():
    found = carry_out("""
log = []
client = ours(log)
value = client.value(client.ee.Image("COPERNICUS/S2/x").select("B2").gt(5))
print(json.dumps([value, log, client.ee.data.is_initialized()]))
""")
    assert found == [5, ["projects/ours/value:compute"], False]


def test_a_plugin_that_has_signed_in_before_keeps_its_account():
    found = carry_out("""
ee, log = neighbour(), []
client = ours(log)
before = len(Neighbour.asked)
mine = client.value(ee.Number(1).add(2))
during = len(Neighbour.asked) - before
theirs = ee.Number(1).getInfo()
print(json.dumps([mine, log, during, theirs, Neighbour.asked[-1].split("?")[0]]))
""")
    url = "https://neighbour.example/v1/projects/neighbour/value:compute"
    assert found == [5, ["projects/ours/value:compute"], 0, "theirs", url]


def test_a_plugin_that_signs_in_later_gets_its_account_and_all_functions():
    found = carry_out("""
log = []
client = ours(log)
client.value(client.ee.Number(1))
ee = neighbour()
theirs = ee.Number(1).getInfo()
mine = client.value(ee.Number(1))
print(json.dumps([theirs, mine, len(log), len([url for url in Neighbour.asked if "algorithms" in url])]))
""")
    assert found == ["theirs", 5, 2, 1]


def test_what_another_plugin_has_reset_is_made_ready_again():
    found = carry_out("""
ee, log = neighbour(), []
client = ours(log)
ee.Reset()
from s2mask_qgis.engines.expressions import ready_client
ready = ready_client()
print(json.dumps([client.value(ready.Image(1).add(2)), len(Neighbour.asked), log]))
""")
    assert found[0] == 5
    assert found[2] == ["projects/ours/value:compute"]


@pytest.mark.parametrize("call", ["ee.Number(1).getInfo()", "ee.data.listOperations()"])
def test_calls_of_the_client_itself_say_how_to_sign_in(call: str):
    found = carry_out(f"""
from s2mask_qgis.engines.expressions import ready_client
ee = ready_client()
try:
    {call}
except ee.EEException as error:
    print(json.dumps([str(error)]))
""")
    assert "not initialized" in found[0]
