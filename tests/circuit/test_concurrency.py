"""Threads at once, with and without the interpreter lock, give what one thread gives (spec 01, sections 2 and 14; 02, section 10)."""

from __future__ import annotations

import concurrent.futures
import gc
import os
import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.circuit.concurrent_work import build, results
from tests.circuit.test_robustness import in_a_process
from tests.strategies import circuits


def in_threads(*works, seconds=120):
    """What the functions return, each run in a thread of its own, all started at once; their exceptions are raised here."""
    barrier = threading.Barrier(len(works))

    def run(work):
        barrier.wait()
        return work()

    with concurrent.futures.ThreadPoolExecutor(len(works)) as pool:
        return [future.result(timeout=seconds) for future in [pool.submit(run, work) for work in works]]


def test_two_threads_do_everything_at_once():
    seeds = list(range(8))
    serial = [results(seed) for seed in seeds]
    gc.collect()
    same_order, backwards = in_threads(lambda: [results(s) for s in seeds], lambda: [results(s) for s in seeds[::-1]][::-1])
    assert same_order == serial
    assert backwards == serial


@given(st.lists(circuits(), min_size=1, max_size=3))
@settings(max_examples=40)
def test_two_threads_on_random_circuits(roots):
    def work():
        found = []
        for root in roots:
            renamed = root.update(rc.Matcher(rc.Scalar, rc.Symbol), lambda node: node.rename("renamed"))
            found.append((root.repr(), root.map_children(lambda child: child).hash, renamed.hash, rc.simp(root).hash))
            found.append((root.get(True), root.get_paths(rc.Array), rc.PrintOptions(force_use_serial_numbers=True).repr(root)))
            if root.is_explicitly_computable:
                found.append(root.evaluate().tolist())
        return repr(found)

    serial = work()
    assert in_threads(work, work) == [serial, serial]


def test_equal_circuits_built_at_once_are_one():
    slots = [[], []]
    barrier = threading.Barrier(2)

    def work(which):
        for seed in range(60):
            # Nobody holds last round's circuits: both threads find, make and drop the same nodes.
            barrier.wait()
            slots[which] = build(seed % 7)
            barrier.wait()
            mine, other = slots[which], slots[1 - which]
            assert mine == other and [hash(c) for c in mine] == [hash(c) for c in other] and len(set(mine) | set(other)) == len(set(mine))
            del mine, other
            barrier.wait()
            slots[which] = []

    in_threads(lambda: work(0), lambda: work(1))


def test_caches_cleared_while_another_thread_builds():
    serial = [results(seed) for seed in range(6)]
    done = threading.Event()

    def clear():
        count = 0
        while not done.is_set():
            rc.clear_module_circuit_caches()
            gc.collect(0)
            count += 1
        return count

    def work():
        try:
            return [results(seed) for seed in range(6)]
        finally:
            done.set()

    found, count = in_threads(work, clear)
    assert found == serial and count > 0


SHARED_OBJECTS = """
import random, sys, threading
import torch
import pycircuit as rc
sys.setswitchinterval(1e-6)


class Doubled(rc.GeneralFunctionSpecBase):
    name = "doubled"
    def compute_hash_bytes(self):
        return b"doubled"
    def function(self, x):
        return x + x
    def get_shape_info(self, shape):
        return rc.get_shape_info_simple([shape])


def chain(k, length=40):
    node = rc.Array(torch.arange(4.0) + k, "x")
    for i in range(length):
        node = rc.GeneralFunction(node, spec=Doubled(), name="f") if i % 4 == 0 else rc.Add(node, rc.Scalar(1.0), name=f"n{i % 7}")
    return node


# Objects with a memory of their own, used by both threads: callbacks take the lock while the other thread waits for what they fill in.
getter, updater = rc.Getter(), rc.Updater(lambda node: node.rename("renamed"))
expander = rc.Expander((lambda node: node.name == "n1", lambda node: rc.sigmoid(node, "s")))
matcher = rc.Matcher(lambda node: node.name.startswith("n")).chain(rc.Matcher(lambda node: node.is_general_function()))
found = rc.AnyFound()


def work(k):
    results = []
    for i in range(k, k + 12):
        c = chain(i)
        results.append((
            c.evaluate().tolist(), len(getter(c, matcher)), updater(c, "f").hash, expander(c).hash, found(c, matcher),
            rc.optimize_and_evaluate(c.add(chain(i + 1))).tolist(), rc.deep_map(c, lambda node: node).hash,
            rc.PrintOptions(bijection=False, commenters=[lambda node: node.name]).repr(c.update("x", lambda node: rc.Scalar(0.0, (4,)))),
        ))
        if i % 5 == 0:
            rc.clear_module_circuit_caches()
    return results


serial = work(0)
results = [None, None]
threads = [threading.Thread(target=lambda i=i: results.__setitem__(i, work(0))) for i in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert results == [serial, serial]
print("done")
"""


def test_callbacks_of_two_threads_do_not_wait_for_each_other():
    assert in_a_process(SHARED_OBJECTS, timeout=120) == "done\n"


def test_an_exception_in_one_thread_stays_there():
    c = rc.Add(*[rc.Scalar(float(k), (2,), f"n{k}") for k in range(50)], name="top")

    def failing():
        for _ in range(100):
            with pytest.raises(KeyError):
                c.update(lambda node: node.name == "n30", lambda node: {}[node])
            with pytest.raises(rc.MiscInputNotBroadcastableError):
                rc.Add(c, rc.Scalar(1.0, (3,)))

    def working():
        return {(c.update("n30", lambda node: node.rename("m")).hash, c.evaluate().sum().item()) for _ in range(100)}

    expected = {(c.update("n30", lambda node: node.rename("m")).hash, c.evaluate().sum().item())}
    assert in_threads(failing, working) == [None, expected]


def test_eight_processes():
    """Concurrent writers and readers of the store see whole tensors, and pickled circuits are the same circuits in every process."""
    program = os.path.join(os.path.dirname(__file__), "eight_processes.py")
    assert in_a_process(program, str(random.Random(0).randrange(100)), timeout=120).endswith("done\n")
