"""Evaluating schedules on another machine: spec 12, section 8.6."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import pycircuit as rc
from tests.evaluate.circuits import Counting, apply, array

ROOT = Path(__file__).parents[2]
MODULE = """
import torch, pycircuit as rc
class Doubling(rc.GeneralFunctionSpecBase):
    name = "doubling"
    path = "functions_for_servers:Doubling"
    def function(self, x): return 2 * x
    def get_shape_info(self, shape): return rc.GeneralFunctionShapeInfo(shape, 0, [True])
class Failing(Doubling):
    name = "failing"
    path = "functions_for_servers:Failing"
    def function(self, x): raise ZeroDivisionError("as it should")
"""


class Server:
    """A server in a process of its own."""

    def __init__(self, arguments: str = "") -> None:
        code = f"import pycircuit as rc; rc.circuit_server_serve('127.0.0.1:0'{arguments}); print('after')"
        self.process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert "http://127.0.0.1:" in line, self.process.stderr.read()
        self.url = line.split()[-1]

    def stop(self) -> tuple[str, str]:
        self.process.send_signal(signal.SIGINT)
        output = self.process.communicate(timeout=60)
        assert self.process.returncode == 0
        return output


@pytest.fixture(scope="module", autouse=True)
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    directory = tmp_path_factory.mktemp("functions")
    (directory / "functions_for_servers.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("TENSORS_CACHE_DIR", "RR_RRFS_DIR"):
            patch.setenv(variable, str(tmp_path_factory.mktemp(variable)))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(directory)]))
        patch.syspath_prepend(str(directory))
        yield


@pytest.fixture(scope="module")
def server(environment: None) -> Iterator[Server]:
    started = Server()
    yield started
    started.stop()


def post(url: str, body: bytes) -> int:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, body) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_values(server: Server) -> None:
    one, two = apply("sin", array(2, 3)), rc.Rearrange.from_string(array(4), "a -> 5 a")
    single = rc.optimize_to_schedule(one)
    assert torch.equal(single.evaluate_remote(server.url), one.evaluate())
    assert [torch.equal(got, one.evaluate()) for got in single.evaluate_remote_many(server.url)] == [True]
    several = rc.circuit_to_schedule_many([one, two])
    assert torch.equal(several.evaluate_remote(server.url), several.evaluate())
    for got, expected in zip(several.evaluate_remote_many(server.url), [one, two], strict=True):
        assert torch.equal(got, expected.evaluate())
    sent = pickle.loads(pickle.dumps(several.tosend()))
    assert isinstance(sent, rc.ScheduleToSend)
    assert torch.equal(sent.evaluate_remote(server.url, "cpu"), several.evaluate())
    assert sent.evaluate_remote_many(server.url, "meta")[1].device.type == "meta"
    mixed = rc.circuit_to_schedule_many([one, rc.Array(torch.tensor([1, 2]))])
    assert [output.dtype for output in mixed.evaluate_remote_many(server.url)] == [torch.float32, torch.int64]
    with pytest.raises(RuntimeError, match="dtype"):
        mixed.evaluate_remote(server.url)
    assert rc.circuit_to_schedule_many([]).evaluate_remote_many(server.url) == []


def test_long_bodies(server: Server) -> None:
    named = rc.circuit_to_schedule(rc.Add(apply("sin", array(3)), name="x" * 3_000_000))
    assert torch.equal(named.evaluate_remote(server.url), named.evaluate())


def test_bad_requests_are_answered(server: Server) -> None:
    for body in (b"", b"no schedule", b"\xff\xfe", b"{}"):
        assert post(server.url, body) == 400
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(server.url)
    with socket.create_connection(server.url.removeprefix("http://").split(":")) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"411" in connection.recv(1000)
    test_values(server)


def test_errors(server: Server) -> None:
    schedule = rc.circuit_to_schedule(apply("sin", array(3)))
    for url in ("http://127.0.0.1:1", "no url", "ftp://127.0.0.1:1", ""):
        for call in (schedule.evaluate_remote, schedule.evaluate_remote_many):
            with pytest.raises(RuntimeError, match="remote evaluation"):
                call(url)
    with pytest.raises(TypeError):
        schedule.evaluate_remote(3)
    with pytest.raises(RuntimeError, match="no path given"):
        rc.circuit_to_schedule(Counting()(array(3))).tosend()
    for url in ("", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999", server.url.removeprefix("http://")):
        with pytest.raises(RuntimeError):
            rc.circuit_server_serve(url)
    with pytest.raises(TypeError):
        rc.circuit_server_serve("127.0.0.1:0", 3)


def test_functions_by_path(server: Server) -> None:
    import functions_for_servers

    doubled = rc.GeneralFunction(array(3), spec=functions_for_servers.Doubling())
    failing = rc.GeneralFunction(array(3), spec=functions_for_servers.Failing())
    with pytest.raises(RuntimeError, match="refused.*allow_python_specs"):
        rc.circuit_to_schedule(doubled).evaluate_remote(server.url)
    trusting = Server(", allow_python_specs=True, tensor_cache=rc.TensorCacheRrfs(100, 10**6, 10**6, 'cpu')")
    try:
        assert torch.equal(rc.circuit_to_schedule(doubled).evaluate_remote(trusting.url), 2 * array(3).value)
        with pytest.raises(RuntimeError, match="HTTP 500.*ZeroDivisionError: as it should"):
            rc.circuit_to_schedule(failing).evaluate_remote(trusting.url)
        assert torch.equal(rc.circuit_to_schedule(doubled).evaluate_remote(trusting.url), 2 * array(3).value)
    finally:
        output, errors = trusting.stop()
    assert "POST" not in output + errors and output.splitlines()[-1] == "after"
