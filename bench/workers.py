"""Opponents in processes of their own: each builds the cases of a group, computes them on request and times itself.

Requests and answers are lines of JSON; values travel as a file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from bench.timing import Times, Work

ROOT = Path(__file__).parent.parent

# Case names and the ways to compute each, in the order of `cases.GROUPS`; of a group and whether it is the quick one.
CasesOf = Callable[[str, bool], Iterator[tuple[str, Mapping[str, Work]]]]


class WorkerWork:
    """One way of a worker to compute a case; `seconds` are what it measured itself."""

    def __init__(self, worker: Worker, way: str) -> None:
        self.worker, self.way = worker, way
        self.seconds = (0.0, 0.0)

    def __call__(self) -> torch.Tensor:
        answer = self.worker.ask(op="run", way=self.way, threads=torch.get_num_threads())
        self.seconds = (answer["wall"], answer["processor"])
        return torch.load(self.worker.value_file, weights_only=True)


class Worker:
    """The process `python -m module`; it follows the cases of a group in order."""

    def __init__(self, library: str, python: str, module: str, paths: list[Path], group: str, quick: bool) -> None:
        self.library = library
        self.folder = tempfile.TemporaryDirectory()
        self.value_file = Path(self.folder.name) / "value.pt"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [*paths, ROOT]))}
        command = [python, "-W", "ignore", "-m", module, group, str(self.value_file), *(["--quick"] if quick else [])]
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

    def next_case(self, name: str) -> tuple[dict[str, Work], list[str]]:
        """Its ways to compute the next case, tried once each; and why others do not work."""
        works: dict[str, Work] = {}
        failures = []
        try:
            answer = self.ask(op="next")
            if answer["case"] != name:
                raise RuntimeError(f"expected {name!r}, got {answer['case']!r}")
        except RuntimeError as error:
            return {}, [str(error)]
        for way in answer["ways"]:
            work = WorkerWork(self, way)
            try:
                work()
            except RuntimeError as error:
                if "has no attribute" not in str(error):  # what only pycircuit has
                    failures.append(f"{way}: {error}")
            else:
                works[f"{self.library} {way}"] = work
        return works, failures

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


def _answers(cases: Iterator[tuple[str, Mapping[str, Work]]], value_file: str) -> Iterator[dict[str, object]]:
    ways: Mapping[str, Work] = {}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["op"] == "next":
                name, ways = next(cases)
                yield {"case": name, "ways": list(ways)}
                continue
            torch.set_num_threads(request["threads"])
            times = Times()
            torch.save(times.add(ways[request["way"]]), value_file)
            yield {"wall": times.wall[0], "processor": times.processor[0]}
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # panics of rust_circuit are not Exceptions
            yield {"error": f"{type(error).__name__}: {error}"[:500]}


def serve(cases_of: CasesOf) -> None:
    """The worker's side: answers until its stdin ends."""
    group, value_file, *flags = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints is not an answer
    torch.set_grad_enabled(False)
    for answer in _answers(cases_of(group, "--quick" in flags), value_file):
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
