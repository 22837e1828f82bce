"""The test process's side: starts the worker, restarts it when it dies, sends circuits as construction programs."""

from __future__ import annotations

import functools
import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
import threading
from typing import Any

import pytest
from hypothesis import assume

import pycircuit as rc
from tests.peer import runner
from tests.peer.program import build, program_of

needs_peer = pytest.mark.skipif(importlib.util.find_spec("rust_circuit") is None, reason="rust_circuit is not installed")


class PeerDied(Exception):
    """The worker process died or did not answer in time: rust_circuit aborts on some inputs, and hangs on others."""


class PeerError(Exception):
    """rust_circuit raised; `cls` is the name of its class."""

    def __init__(self, cls: str, message: str) -> None:
        super().__init__(f"{cls}: {message}")
        self.cls = cls


class Peer:
    """A worker process with rust_circuit, started on first use and again after it died.

    It has the tensor store that this process has at each call, or one of its own where this process has the user's.
    """

    def __init__(self, timeout: float = 60) -> None:
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._store = tempfile.TemporaryDirectory()

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            worker = os.path.join(os.path.dirname(__file__), "worker.py")
            self._process = subprocess.Popen(
                [sys.executable, worker], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        return self._process

    def close(self) -> None:
        """End the worker."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def run(self, code: str, **arguments: Any) -> Any:
        """Run code in the worker and return what it assigned to `result`.

        `rc` is rust_circuit there, `torch` torch; the arguments are variables, where a Circuit (also in a list) becomes the same circuit of
        rust_circuit. Circuits in the result come back as their descriptions. Raises PeerError, PeerDied.
        """
        process = self._start()
        sent = {name: _sent(value) for name, value in arguments.items()}
        stores = {name: os.environ.get(name, os.path.join(self._store.name, name)) for name in ("TENSORS_CACHE_DIR", "RR_RRFS_DIR")}
        timer = threading.Timer(self._timeout, process.kill)
        timer.start()
        try:
            pickle.dump((stores, code, sent), process.stdin)
            process.stdin.flush()
            failed, answer = pickle.load(process.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
            self.close()
            raise PeerDied(f"while running {code!r}") from error
        finally:
            timer.cancel()
        if failed:
            raise PeerError(*answer)
        return answer

    def describe(self, circuit: rc.Circuit) -> dict[str, Any]:
        """Shape, name, hash, class, flags, dtype and device of the circuit as rust_circuit builds it."""
        return self.run("result = circuit", circuit=circuit)

    def describe_all(self, circuit: rc.Circuit) -> list[dict[str, Any]]:
        """The same for every distinct node, children before parents, with the children's positions."""
        return self.run("result = describe_nodes(circuit)", circuit=circuit)


def both(code: str, **arguments: Any) -> tuple[Any, Any]:
    """What the same code gives in pycircuit and in rust_circuit; see Peer.run. An exception is the name of its class.

    Where rust_circuit crashes or panics (its failures without a class of their own) there is nothing to compare: both are None.
    """
    sent = {name: _sent(value) for name, value in arguments.items()}
    try:
        theirs = peer().run(code, **arguments)
    except PeerDied:
        return None, None
    except PeerError as error:
        if error.cls == "PanicException":
            return None, None
        theirs = f"raises {error.cls}"
    failed, ours = runner.run(rc, code, sent)
    return f"raises {ours[0]}" if failed else ours, theirs


def plain(circuit: rc.Circuit) -> rc.Circuit:
    """The circuit as both libraries build it: from its program, without flags and axis names set by hand, which programs do not carry.

    Examples in which automatic names differ on purpose are rejected (docs/differences.md): sums and products of nothing, which have the
    name "" there, and of one operand, whose name is cut and put in parentheses there.
    """
    built = build(rc, program_of(circuit))
    for node in built.get({rc.Add, rc.Einsum}):
        assume(node.children)
        if node.num_children == 1:
            child = node.children[0]
            assume(len(child.name) <= 100 and not child.is_concat() and not (node.is_einsum() and child.is_add()))
    return built


def _sent(value: Any) -> Any:
    if isinstance(value, rc.Circuit):
        return program_of(value)
    return [_sent(item) for item in value] if isinstance(value, list) else value


@functools.cache
def peer() -> Peer:
    """The worker of this test process."""
    return Peer()
