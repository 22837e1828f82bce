"""Evaluating schedules on another machine: a server and its client, over HTTP (spec 12, section 8.6).

A request is the text of a schedule (8.5); the answer the list of its outputs as torch.save writes it, or the message of an error.
Server and client share the tensor store.
"""

from __future__ import annotations

import io
import socketserver
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler
from typing import Any

import torch

from pycircuit._core import Schedule
from pycircuit._function_spec import functions_by_path_refused
from pycircuit._schedule_text import deserialize
from pycircuit._tensor_store import TensorCacheRrfs

__all__ = ["ScheduleToSend", "circuit_server_serve"]


class ScheduleToSend:
    """The text of a schedule, ready to be sent; made by `Schedule.tosend` (spec 12, section 8.6)."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"ScheduleToSend: expected the text of a schedule, got {type(text).__name__}")
        self._text = text

    def __reduce__(self) -> tuple[Any, ...]:
        return ScheduleToSend, (self._text,)

    def __repr__(self) -> str:
        return f"ScheduleToSend of {len(self._text)} characters"

    def evaluate_remote(self, url: str, device: str) -> torch.Tensor:
        """Return the output that the server at `url` computes, on `device`; several outputs flattened and concatenated.

        RuntimeError for connection, HTTP and server-side errors, and where outputs differ in dtype (spec 12, section 8.6).
        """
        outputs = self.evaluate_remote_many(url, device)
        if len(outputs) == 1:
            return outputs[0]
        if len({output.dtype for output in outputs}) > 1:
            raise RuntimeError("evaluate_remote joins all outputs into one tensor, but they differ in dtype; use evaluate_remote_many")
        return torch.cat([output.flatten() for output in outputs])

    def evaluate_remote_many(self, url: str, device: str) -> list[torch.Tensor]:
        """Return all outputs that the server at `url` computes, on `device`. RuntimeError as in `evaluate_remote`."""
        for what, value in (("url", url), ("device", device)):
            if not isinstance(value, str):
                raise TypeError(f"{what}: expected a str, got {type(value).__name__}")
        return [output.to(device) for output in _post(url, self._text.encode())]


def _post(url: str, body: bytes) -> list[torch.Tensor]:
    # Directly: a proxy of the environment is for the world outside, not for the servers of an experiment.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"}, method="POST")
        with opener.open(request) as answer:
            return torch.load(io.BytesIO(answer.read()), map_location="cpu", weights_only=True)
    except urllib.error.HTTPError as error:
        reason = error.read().decode(errors="replace")
        raise RuntimeError(f"remote evaluation at {url} failed: HTTP {error.code} {error.reason}: {reason}") from error
    except Exception as error:
        raise RuntimeError(f"remote evaluation at {url} failed: {error}") from error


def tosend(self: Schedule) -> ScheduleToSend:
    """Return the schedule's text with methods to evaluate it elsewhere; errors as for `serialize` (spec 12, section 8.6)."""
    return ScheduleToSend(self.serialize())


def evaluate_remote(self: Schedule, url: str) -> torch.Tensor:
    """Return `tosend().evaluate_remote(url, "cpu")` (spec 12, section 8.6)."""
    return self.tosend().evaluate_remote(url, "cpu")


def evaluate_remote_many(self: Schedule, url: str) -> list[torch.Tensor]:
    """Return `tosend().evaluate_remote_many(url, "cpu")` (spec 12, section 8.6)."""
    return self.tosend().evaluate_remote_many(url, "cpu")


Schedule.tosend = tosend  # type: ignore[method-assign]
Schedule.evaluate_remote = evaluate_remote  # type: ignore[method-assign]
Schedule.evaluate_remote_many = evaluate_remote_many  # type: ignore[method-assign]


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True  # an evaluation that runs does not keep the server from stopping
    tensor_cache: TensorCacheRrfs | None
    allow_python_specs: bool

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let go of a client that went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: requests are the client's business."""

    def do_POST(self) -> None:
        try:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length) if length >= 0 else b""
            if len(body) != length:
                raise ValueError
        except (TypeError, ValueError):
            self.close_connection = True
            return self._answer(411, b"the length of the body (Content-Length) is needed")
        try:
            schedule = self._schedule(body)
        except Exception as error:
            return self._answer(400, f"{type(error).__name__}: {error}".encode())
        try:
            return self._answer(200, _saved(schedule.evaluate_many()))
        except Exception as error:
            return self._answer(500, f"{type(error).__name__}: {error}".encode())

    def _schedule(self, body: bytes) -> Schedule:
        if self.server.allow_python_specs:
            return deserialize(body.decode(), self.server.tensor_cache)
        with functions_by_path_refused("start the server with allow_python_specs=True if all its clients may run code"):
            return deserialize(body.decode(), self.server.tensor_cache)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream" if status == 200 else "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _saved(tensors: list[torch.Tensor]) -> bytes:
    file = io.BytesIO()
    # Clones are compact: views and expanded values would take more, or less, than themselves along.
    torch.save([tensor.detach().clone(memory_format=torch.contiguous_format) for tensor in tensors], file)
    return file.getvalue()


def _address(url: str) -> tuple[str, int]:
    host, separator, port = url.removeprefix("http://").rstrip("/").rpartition(":")
    if not separator or not port.isdecimal():
        raise RuntimeError(f"circuit_server_serve: expected host:port, got {url!r}")
    return host, int(port)


def circuit_server_serve(url: str, tensor_cache: TensorCacheRrfs | None = None, *, allow_python_specs: bool = False) -> None:
    """Evaluate schedules that clients POST to `host:port`, until interrupted (spec 12, section 8.6).

    Whoever reaches the port can use the machine; with `allow_python_specs` also run code on it, through functions given by path.
    RuntimeError if the address cannot be bound.
    """
    if not isinstance(url, str):
        raise TypeError(f"url: expected a str host:port, got {type(url).__name__}")
    if tensor_cache is not None and not isinstance(tensor_cache, TensorCacheRrfs):
        raise TypeError(f"tensor_cache: expected a TensorCacheRrfs or None, got {type(tensor_cache).__name__}")
    host, port = _address(url)
    try:
        server = _Server((host, port), _Handler)
    except (OSError, OverflowError) as error:
        raise RuntimeError(f"circuit_server_serve: cannot bind {url}: {error}") from error
    server.tensor_cache, server.allow_python_specs = tensor_cache, allow_python_specs
    with server:
        print(f"circuit server at http://{host}:{server.server_address[1]}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("circuit server stopped", flush=True)
