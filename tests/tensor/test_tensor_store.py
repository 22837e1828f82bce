"""The tensor store on disk (spec 02, sections 9 and 11)."""

from __future__ import annotations

from pathlib import Path

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import HealthCheck, given, settings

import pycircuit as rc


@pytest.fixture(autouse=True)
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    local, shared = tmp_path / "local", tmp_path / "shared"
    monkeypatch.setenv("TENSORS_CACHE_DIR", str(local))
    monkeypatch.setenv("RR_RRFS_DIR", str(shared))
    monkeypatch.delenv("TENSORS_BY_HASH_DIR", raising=False)
    return local, shared


def file_of(store: Path, key: str) -> Path:
    return store / key[:4] / key[4:8] / key[8:]


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.sampled_from([torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.bool]), st.lists(st.integers(0, 4), max_size=3))
def test_round_trip(dtype: torch.dtype, shape: list[int]) -> None:
    x = torch.randint(-50, 50, shape).to(dtype)
    key = rc.hash_tensor(x).hex()
    rc.save_tensor(x)
    assert not rc.save_tensor(x)
    for digits in (64, 24, 10):
        assert same(rc.get_tensor_prefix(key[:digits]), x)
    assert same(rc.get_tensor_prefix(key.upper()), x)


def test_layout_of_the_store(stores: tuple[Path, Path]) -> None:
    x = torch.arange(3)
    key = rc.hash_tensor(x).hex()
    assert rc.save_tensor(x)
    assert same(torch.load(file_of(stores[0], key)), x)
    assert (stores[0] / ".unsynced_list").read_text() == key + "\n"
    assert not stores[1].exists()


def test_force_writes_both_stores(stores: tuple[Path, Path]) -> None:
    x = torch.arange(4)
    key = rc.hash_tensor(x).hex()
    assert rc.save_tensor(x, force=True)
    assert file_of(stores[0], key).is_file()
    assert file_of(stores[1] / "tensor_db", key).is_file()
    assert not (stores[0] / ".unsynced_list").exists()


def test_saved_files_are_compact(stores: tuple[Path, Path]) -> None:
    view = torch.zeros(100_000)[:3].requires_grad_()
    rc.save_tensor(view)
    path = file_of(stores[0], rc.hash_tensor(view).hex())
    assert path.stat().st_size < 10_000
    assert not torch.load(path).requires_grad


def test_the_shared_store_is_searched_and_copied(stores: tuple[Path, Path]) -> None:
    x = torch.arange(5)
    key = rc.hash_tensor(x).hex()
    rc.save_tensor(x, force=True)
    file_of(stores[0], key).unlink()
    assert same(rc.get_tensor_prefix(key[:12]), x)
    assert file_of(stores[0], key).is_file()


def test_errors(stores: tuple[Path, Path]) -> None:
    with pytest.raises(RuntimeError, match=f"abcd.*{stores[0]}.*{stores[1]}"):
        rc.get_tensor_prefix("abcd")
    for bad in ("", "xyz", "a" * 65):
        with pytest.raises(RuntimeError):
            rc.get_tensor_prefix(bad)
    keys = []
    for start in ("00aa" * 2 + "0" * 55 + "1", "00aa" * 2 + "0" * 55 + "2"):
        path = file_of(stores[0], start)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(torch.zeros(1), path)
        keys.append(start)
    for prefix in ("0", "00a", "00aa00aa", keys[0][:60]):
        with pytest.raises(RuntimeError, match=f"{keys[0]}.*{keys[1]}"):
            rc.get_tensor_prefix(prefix)
    file_of(stores[0], keys[0]).write_bytes(b"nonsense")
    with pytest.raises(RuntimeError, match="cannot read"):
        rc.get_tensor_prefix(keys[0])


def test_sync(stores: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    rc.sync_all_unsynced_tensors()
    assert "nothing to sync" in capsys.readouterr().out
    tensors = [torch.full((2,), i) for i in range(5)]
    keys = [rc.hash_tensor(x).hex() for x in tensors]
    for x in tensors:
        rc.save_tensor(x)
    rc.sync_specific_tensors([keys[0][:20], keys[1]])
    assert (stores[0] / ".unsynced_list").read_text().split() == keys[2:]
    assert [file_of(stores[1] / "tensor_db", key).is_file() for key in keys] == [True, True, False, False, False]
    rc.sync_all_unsynced_tensors(parallelism=2)
    assert (stores[0] / ".unsynced_list").read_text() == ""
    assert all(file_of(stores[1] / "tensor_db", key).is_file() for key in keys)
    with pytest.raises(RuntimeError):
        rc.sync_specific_tensors(["0123456789abcdef"])


def test_flat_store_and_migration(stores: tuple[Path, Path]) -> None:
    tensors = [torch.full((3,), float(i)) for i in range(3)]
    keys = [rc.save_tensor_rrfs(x) for x in tensors]
    flat = stores[1] / "circuit_tensors_by_hash"
    assert sorted(path.name for path in flat.iterdir()) == sorted(key + ".pt" for key in keys)
    assert same(rc.tensor_from_hash(keys[0]), tensors[0])
    with pytest.raises(RuntimeError):
        rc.tensor_from_hash(keys[0][:20])
    (flat / "notes.txt").write_text("not a tensor")
    rc.migrate_tensors_from_old_dir(str(flat))
    for key, x in zip(keys, tensors, strict=True):
        assert same(rc.get_tensor_prefix(key), x)


def test_arrays(stores: tuple[Path, Path]) -> None:
    array = rc.Array(torch.randn(3, 2), "a")
    key = array.save_rrfs()
    assert key == array.tensor_hash_base16()
    assert rc.Array.from_hash("a", key) == array
    assert rc.Array.from_hash(None, key[:10]).op_name is None
    assert rc.Array.from_hash_prefix("a", key[:8]) == array
    cache = rc.TensorCacheRrfs(1000, 10_000, 10_000, "cpu")
    loaded = rc.Array.from_hash_prefix("a", key[:8], cache)
    assert loaded == array
    assert rc.Array.from_hash_prefix("a", key[:8], cache=cache).value is loaded.value


def test_loaded_tensors_are_not_hashed_again(stores: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.arange(4)
    key = rc.hash_tensor(x).hex()
    rc.save_tensor(x)
    torch.save(torch.arange(5), file_of(stores[0], key))
    assert rc.hash_tensor(rc.get_tensor_prefix(key)).hex() == key
    monkeypatch.setenv("TENSORS_BY_HASH_REHASH_ON_LOAD", "1")
    assert rc.hash_tensor(rc.get_tensor_prefix(key)) == rc.hash_tensor(torch.arange(5))


def test_cache(stores: tuple[Path, Path]) -> None:
    tensors = [torch.full((10,), i) for i in range(4)]  # 80 bytes each
    keys = [rc.hash_tensor(x).hex() for x in tensors]
    for x in tensors:
        rc.save_tensor(x)
    cache = rc.TensorCacheRrfs(100, 240, 0, "cpu")
    assert cache.get_tensor_if_cached(keys[0]) is None
    first = cache.get_tensor(keys[0])
    for key in keys[1:3]:
        cache.get_tensor(key)
    assert cache.get_tensor_if_cached(keys[0]) is first
    cache.get_tensor(keys[3])
    assert cache.get_tensor_if_cached(keys[1]) is None
    assert cache.get_tensor_if_cached(keys[0]) is first
    large = torch.zeros(100)
    rc.save_tensor(large)
    assert same(cache.get_tensor(rc.hash_tensor(large).hex()), large)
    assert cache.get_tensor_if_cached(rc.hash_tensor(large).hex()) is None
    with pytest.raises(OverflowError):
        rc.TensorCacheRrfs(-1, 0, 0, "cpu")


def test_defaults_follow_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TENSORS_CACHE_DIR")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    x = torch.ones(2)
    rc.save_tensor(x)
    assert file_of(tmp_path / "home" / "tensors_by_hash_cache", rc.hash_tensor(x).hex()).is_file()
    monkeypatch.delenv("HOME")
    with pytest.raises(RuntimeError, match="HOME"):
        rc.save_tensor(x)
