"""rust_circuit 0.4.12 as an opponent: a process of its own builds the same circuits with it, by the same script, and times itself.

`make bench` installs it into `build/peer`, apart from the rest. Run as a script this is the worker: requests and answers are lines of JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "build" / "peer"
NAME = "rust_circuit"


class PeerWork:
    """One way of the peer to compute a case; `seconds` are what it measured itself."""

    def __init__(self, peer: Peer, way: str) -> None:
        self.peer, self.way = peer, way
        self.seconds = (0.0, 0.0)

    def __call__(self) -> torch.Tensor:
        answer = self.peer.ask(op="run", way=self.way, threads=torch.get_num_threads())
        self.seconds = (answer["wall"], answer["processor"])
        return torch.load(self.peer.value_file, weights_only=True)


class Peer:
    """The worker process; it follows the cases of a group in order."""

    def __init__(self, group: str, quick: bool) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.value_file = Path(self.folder.name) / "value.pt"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(FOLDER), str(ROOT)))}
        command = [sys.executable, "-W", "ignore", "-m", "bench.peer", group, str(self.value_file), *(["--quick"] if quick else [])]
        self.process = subprocess.Popen(
            command, env=environment, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def ask(self, **request: object) -> dict[str, Any]:
        """The worker's answer; RuntimeError if it failed or died."""
        assert self.process.stdin and self.process.stdout
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process died with status {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def next_case(self, name: str) -> tuple[dict[str, PeerWork], list[str]]:
        """Its ways to compute the next case, tried once each; and why others do not work."""
        works, failures = {}, []
        try:
            answer = self.ask(op="next")
            if answer["case"] != name:
                raise RuntimeError(f"expected {name!r}, got {answer['case']!r}")
        except RuntimeError as error:
            return {}, [str(error)]
        for way in answer["ways"]:
            work = PeerWork(self, way)
            try:
                work()
            except RuntimeError as error:
                if "has no attribute" not in str(error):  # what only pycircuit has
                    failures.append(f"{way}: {error}")
            else:
                works[f"{NAME} {way}"] = work
        return works, failures

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


def start(group: str, quick: bool) -> Peer | None:
    """The peer for a group, if it is installed."""
    return Peer(group, quick) if FOLDER.is_dir() else None


def _answers(group: str, value_file: str, quick: bool) -> Iterator[dict[str, object]]:
    """Answers to the requests on stdin."""
    for module in ("", ".model_rewrites", ".module_library", ".py_utils"):
        sys.modules[f"pycircuit{module}"] = importlib.import_module(f"{NAME}{module}")
    from bench.cases import GROUPS, Options
    from bench.timing import Times

    torch.set_grad_enabled(False)
    cases = GROUPS[group](Options(quick=quick))
    case = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["op"] == "next":
                case = next(cases)
                yield {"case": case.name, "ways": list(case.ours)}
                continue
            torch.set_num_threads(request["threads"])
            times = Times()
            assert case
            torch.save(times.add(case.ours[request["way"]]), value_file)
            yield {"wall": times.wall[0], "processor": times.processor[0]}
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # its panics are not Exceptions
            yield {"error": f"{type(error).__name__}: {error}"[:500]}


def main() -> None:
    """The worker."""
    group, value_file, *flags = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints is not an answer
    for answer in _answers(group, value_file, "--quick" in flags):
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
