"""A program, `eight_processes.py seed`: eight processes write, rewrite, read and sync the same tensors, and exchange pickled circuits."""

import os
import pickle
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

import torch

import pycircuit as rc
from tests.circuit.concurrent_work import build

COUNT = 8
torch.set_num_threads(1)  # before the fork: no threads of torch


def tensor(number):
    """Large enough for many write calls."""
    return torch.arange(60_000, dtype=torch.int64) * (number + 1)


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)


def wait_for_all(folder, stage, which):
    (folder / f"{stage}-{which}").touch()
    until = time.monotonic() + 60
    while len(list(folder.glob(f"{stage}-*"))) < COUNT:
        assert time.monotonic() < until, f"a process does not arrive at {stage}"
        time.sleep(0.001)


def work(folder, which, seed):
    rng = random.Random(seed + which)
    numbers = list(range(6))
    keys = [rc.hash_tensor(tensor(n)).hex() for n in numbers]
    wait_for_all(folder, "start", which)
    wrote = 0
    for turn in range(25):
        n = rng.choice(numbers)
        if turn % 5 == 4:
            rc.save_tensor(tensor(n), force=True)
        else:
            wrote += rc.save_tensor(tensor(n))
        # What was written is there, whole, whoever is writing it again.
        assert same(rc.get_tensor_prefix(keys[n][: rng.choice([64, 24, 10])]), tensor(n))
        array = rc.Array.from_hash_prefix("w", keys[n][:20])
        assert array == rc.Array(tensor(n), "w")
        if turn == 12:
            rc.sync_all_unsynced_tensors(parallelism=2)
    assert wrote <= len(numbers)
    # Circuits made here and elsewhere are the same ones.
    own = build(seed)
    (folder / f"circuits-{which}.pickle").write_bytes(pickle.dumps(own))
    wait_for_all(folder, "pickled", which)
    for other in range(COUNT):
        loaded = pickle.loads((folder / f"circuits-{other}.pickle").read_bytes())
        assert loaded == own and [c.hash for c in loaded] == [c.hash for c in own] and len(set(loaded) | set(own)) == len(set(own))
        assert all(a is b or a.children == b.children for a, b in zip(loaded, own, strict=True))


def main():
    seed = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["TENSORS_CACHE_DIR"] = str(folder / "local")
        os.environ["RR_RRFS_DIR"] = str(folder / "shared")
        children = []
        for which in range(COUNT):
            child = os.fork()
            if child == 0:
                try:
                    with open(os.devnull, "w") as sys.stdout:
                        work(folder, which, seed)
                    os._exit(0)
                except BaseException:
                    traceback.print_exc()
                    os._exit(1)
            children.append(child)
        statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        assert statuses == [0] * COUNT, statuses
        # Only whole files under their keys are left, and the list has whole lines.
        local = folder / "local"
        files = [path for path in local.rglob("*") if path.is_file() and not path.name.startswith(".unsynced_list")]
        assert sorted("".join(path.relative_to(local).parts) for path in files) == sorted(rc.hash_tensor(tensor(n)).hex() for n in range(6))
        listed = (local / ".unsynced_list").read_text().split("\n")
        assert all(len(line) == 64 for line in listed[:-1]) and listed[-1] == ""
        rc.sync_all_unsynced_tensors()
        assert (local / ".unsynced_list").read_text() == ""
    print("done")


if __name__ == "__main__":
    main()
