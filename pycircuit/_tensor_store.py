"""The tensor store on disk: tensors as files named by their content keys (spec 02, sections 9 and 11)."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import torch

from pycircuit import _core

__all__ = [
    "TensorCacheRrfs",
    "get_tensor_prefix",
    "migrate_tensors_from_old_dir",
    "save_tensor",
    "save_tensor_rrfs",
    "sync_all_unsynced_tensors",
    "sync_specific_tensors",
    "tensor_from_hash",
]

_KEY_DIGITS = 64
_MAX_LISTED = 5


def _from_environment(variable: str, default: Callable[[], Path]) -> Path:
    value = os.environ.get(variable)
    return Path(value) if value else default()


def _home() -> Path:
    home = os.environ.get("HOME")
    if not home:
        raise RuntimeError("HOME is not set: set it, or TENSORS_CACHE_DIR and RR_RRFS_DIR, to say where tensors are stored")
    return Path(home)


_local_override: ContextVar[Path | None] = ContextVar("_local_override", default=None)


@contextlib.contextmanager
def local_store_at(directory: str | os.PathLike[str]) -> Iterator[None]:
    """Reads and writes below the context use this directory as the local store, whatever the environment says."""
    token = _local_override.set(Path(directory))
    try:
        yield
    finally:
        _local_override.reset(token)


def local_store() -> Path:
    """Directory of the local store."""
    override = _local_override.get()
    if override is not None:
        return override
    return _from_environment("TENSORS_CACHE_DIR", lambda: _home() / "tensors_by_hash_cache")


def shared_root() -> Path:
    """Root of shared files; user functions given by file are below it (spec 04, section 3.3)."""
    return _from_environment("RR_RRFS_DIR", lambda: _home() / "rrfs")


def _shared_store() -> Path:
    return shared_root() / "tensor_db"


def _flat_store() -> Path:
    return _from_environment("TENSORS_BY_HASH_DIR", lambda: shared_root() / "circuit_tensors_by_hash")


def _path_of(store: Path, key: str) -> Path:
    return store / key[:4] / key[4:8] / key[8:]


# --- files


def _write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Write a temporary file beside `path` and rename it, so that no process ever sees a partial file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".tmp-{os.getpid()}-{secrets.token_hex(8)}"
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _write_tensor(path: Path, tensor: torch.Tensor) -> None:
    # A clone is compact: a view would take its whole storage along.
    compact = tensor.detach().resolve_conj().resolve_neg().clone(memory_format=torch.contiguous_format)

    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            torch.save(compact, file)

    _write_atomically(path, write)


def _copy_file(source: Path, target: Path) -> None:
    _write_atomically(target, lambda temporary: shutil.copyfile(source, temporary))


def _read_tensor(path: Path, key: str | None) -> torch.Tensor:
    """Load a tensor to the CPU; `key` is remembered as its content key if it was stored from there."""
    if "TENSORS_BY_HASH_REHASH_ON_LOAD" in os.environ:
        key = None
    small = _core._load_small_tensor(str(path))
    if small is not None:
        if key is not None:
            _core._set_content_key(small, bytes.fromhex(key))
        return small
    locations: set[str] = set()

    def to_cpu(storage: Any, location: str) -> Any:
        locations.add(location)
        return storage

    try:
        tensor = torch.load(path, map_location=to_cpu, weights_only=True)
    except Exception as error:
        raise RuntimeError(f"cannot read the tensor file {path}: {error}") from error
    if not isinstance(tensor, torch.Tensor):
        raise RuntimeError(f"cannot read the tensor file {path}: it holds a {type(tensor).__name__}")
    tensor = tensor.detach()
    if key is not None and locations <= {"cpu"}:
        _core._set_content_key(tensor, bytes.fromhex(key))
    return tensor


# --- keys


def _check_prefix(prefix: str) -> str:
    if not isinstance(prefix, str):
        raise TypeError(f"a hash prefix is a str, got {type(prefix).__name__}")
    if not re.fullmatch(r"[0-9a-fA-F]{1,64}", prefix):
        raise RuntimeError(f"{prefix!r} is not a prefix of a tensor hash: expected 1 to 64 hex digits")
    return prefix.lower()


def _names(directory: Path, start: str, length: int) -> list[str]:
    """Entries of a directory that are `length` hex digits beginning with `start`."""
    if len(start) == length:
        return [start] if (directory / start).exists() else []
    try:
        entries = os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in entries if len(name) == length and name.startswith(start) and re.fullmatch("[0-9a-f]+", name))


def _matches(store: Path, prefix: str) -> Iterator[str]:
    """Keys in a store that begin with `prefix`, ascending."""
    if len(prefix) == _KEY_DIGITS:
        if _path_of(store, prefix).is_file():
            yield prefix
        return
    for first in _names(store, prefix[:4], 4):
        for second in _names(store / first, prefix[4:8], 4):
            for rest in _names(store / first / second, prefix[8:], _KEY_DIGITS - 8):
                yield first + second + rest


def _unique_key(store: Path, prefix: str) -> str | None:
    """The one key that begins with `prefix`, or None. RuntimeError where there are several."""
    found = []
    for key in _matches(store, prefix):
        found.append(key)
        if len(found) > _MAX_LISTED:
            break
    if len(found) > 1:
        listed = ", ".join(found[:_MAX_LISTED]) + (", ..." if len(found) > _MAX_LISTED else "")
        raise RuntimeError(f"several tensors in {store} have hashes beginning with {prefix}: {listed}; give more digits")
    return found[0] if found else None


# --- the list of keys that are not in the shared store


def _unsynced_list() -> Path:
    return local_store() / ".unsynced_list"


@contextlib.contextmanager
def _list_lock() -> Iterator[None]:
    local_store().mkdir(parents=True, exist_ok=True)
    with open(local_store() / ".unsynced_list.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unsynced_keys() -> list[str]:
    try:
        return _unsynced_list().read_text().split()
    except FileNotFoundError:
        return []


def _forget_unsynced(is_synced: Callable[[str], bool]) -> None:
    with _list_lock():
        kept = [key for key in _unsynced_keys() if not is_synced(key)]
        _write_atomically(_unsynced_list(), lambda path: path.write_text("".join(key + "\n" for key in kept)))


# --- the functions of section 9


def save_tensor(tensor: torch.Tensor, force: bool = False) -> bool:
    """Write a tensor to the local store unless it is there; returns whether it was written.

    With `force` the file is rewritten and the shared store is written too (spec 02, section 9).
    """
    key = _core.hash_tensor(tensor).hex()
    path = _path_of(local_store(), key)
    if force:
        _write_tensor(path, tensor)
        _copy_file(path, _path_of(_shared_store(), key))
        return True
    if path.is_file():
        return False
    _write_tensor(path, tensor)
    with _list_lock(), open(_unsynced_list(), "a") as listing:
        listing.write(key + "\n")
    return True


def save_tensor_below(tensor: torch.Tensor, directory: str) -> None:
    """Write a tensor below another directory, in the layout of the store, unless it is there (spec 06, section 2)."""
    path = _path_of(Path(directory), _core.hash_tensor(tensor).hex())
    if not path.is_file():
        _write_tensor(path, tensor)


def get_tensor_prefix(prefix: str) -> torch.Tensor:
    """Load a tensor to the CPU by its key or any unique prefix of it, from the local store or else the shared one (spec 02, section 9).

    RuntimeError if none or several match.
    """
    prefix = _check_prefix(prefix)
    local, shared = local_store(), _shared_store()
    key = _unique_key(local, prefix)
    if key is None:
        key = _unique_key(shared, prefix)
        if key is None:
            raise RuntimeError(f"no tensor with a hash beginning with {prefix} in {local} or {shared}")
        _copy_file(_path_of(shared, key), _path_of(local, key))
    return _read_tensor(_path_of(local, key), key)


def fetch_tensors(prefixes: list[str], parallelism: int = 15) -> None:
    """Copy tensors with these prefixes that only the shared store has to the local one; what is not there is left out (spec 05, 6.3)."""
    local, shared = local_store(), _shared_store()
    if not shared.is_dir():
        return

    def fetch(prefix: str) -> None:
        with contextlib.suppress(RuntimeError):  # loading says what is wrong with a prefix
            prefix = _check_prefix(prefix)
            if _unique_key(local, prefix) is None and (key := _unique_key(shared, prefix)) is not None:
                _copy_file(_path_of(shared, key), _path_of(local, key))

    with ThreadPoolExecutor(parallelism) as pool:
        list(pool.map(fetch, prefixes))


def _check_parallelism(parallelism: int) -> None:
    # A pool waits for ever for a number of workers that is not one.
    if not isinstance(parallelism, int):
        raise TypeError(f"parallelism: expected an int, got {type(parallelism).__name__}")
    if not 1 <= parallelism <= 1024:
        raise OverflowError(f"parallelism: expected 1 to 1024, got {parallelism}")


def _copy_to_shared(keys: list[str], parallelism: int) -> None:
    if parallelism < 1:
        raise ValueError(f"parallelism must be at least 1, got {parallelism}")
    local, shared = local_store(), _shared_store()

    def copy(key: str) -> None:
        source = _path_of(local, key)
        if not source.is_file():
            raise RuntimeError(f"tensor {key} is not in the local store {local}")
        _copy_file(source, _path_of(shared, key))

    with ThreadPoolExecutor(parallelism) as pool:
        list(pool.map(copy, keys))


def sync_all_unsynced_tensors(parallelism: int = 15) -> None:
    """Copy every tensor that is listed as unsynced to the shared store (spec 02, section 9)."""
    _check_parallelism(parallelism)
    if not _unsynced_list().is_file():
        print(f"nothing to sync: there is no list of unsynced tensors in {local_store()}")
        return
    keys = list(dict.fromkeys(_unsynced_keys()))
    _copy_to_shared(keys, parallelism)
    synced = set(keys)
    _forget_unsynced(synced.__contains__)


def sync_specific_tensors(tensor_hash_prefixes: list[str], parallelism: int = 15) -> None:
    """Copy the tensors of the local store with these unique prefixes to the shared store (spec 02, section 9)."""
    _check_parallelism(parallelism)
    if isinstance(tensor_hash_prefixes, (str, bytes)):
        raise TypeError("tensor_hash_prefixes: expected a list of str, got one string")
    prefixes = [_check_prefix(prefix) for prefix in tensor_hash_prefixes]
    keys = []
    for prefix in prefixes:
        key = _unique_key(local_store(), prefix)
        if key is None:
            raise RuntimeError(f"no tensor with a hash beginning with {prefix} in {local_store()}")
        keys.append(key)
    _copy_to_shared(list(dict.fromkeys(keys)), parallelism)
    _forget_unsynced(lambda key: key.startswith(tuple(prefixes)))


def migrate_tensors_from_old_dir(dir: str) -> None:
    """Save every tensor of a flat directory of files whose names start with the key, except unsynced ones (spec 02, section 9)."""
    unsynced = set(_unsynced_keys())
    for name in sorted(os.listdir(dir)):
        key = name[:_KEY_DIGITS]
        if re.fullmatch(r"[0-9a-f]{64}", key) and key not in unsynced:
            save_tensor(_read_tensor(Path(dir) / name, None))


def save_tensor_rrfs(tensor: torch.Tensor) -> str:
    """Write a tensor to the older flat store; returns its key (spec 02, section 9)."""
    key = _core.hash_tensor(tensor).hex()
    path = _flat_store() / f"{key}.pt"
    if not path.is_file():
        _write_tensor(path, tensor)
    return key


def tensor_from_hash(hash: str) -> torch.Tensor:
    """Load a tensor from the older flat store by its full key. RuntimeError if it is not there (spec 02, section 9)."""
    key = _check_prefix(hash)
    path = _flat_store() / f"{key}.pt"
    if len(key) != _KEY_DIGITS or not path.is_file():
        raise RuntimeError(f"no tensor {hash} in {_flat_store()}: the full hash of {_KEY_DIGITS} hex digits is needed")
    return _read_tensor(path, key)


class _LeastRecentlyUsed:
    """Tensors by prefix, at most `capacity` bytes."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.used = 0
        self.tensors: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, prefix: str) -> torch.Tensor | None:
        with self._lock:
            tensor = self.tensors.get(prefix)
            if tensor is not None:
                self.tensors.move_to_end(prefix)
            return tensor

    def add(self, prefix: str, tensor: torch.Tensor) -> None:
        with self._lock:
            if tensor.nbytes > self.capacity or prefix in self.tensors:
                return
            self.tensors[prefix] = tensor
            self.used += tensor.nbytes
            while self.used > self.capacity:
                _, dropped = self.tensors.popitem(last=False)
                self.used -= dropped.nbytes


class TensorCacheRrfs:
    """Two least-recently-used caches, for small and large tensors, in front of `get_tensor_prefix` (spec 02, section 9).

    Sizes are in bytes; tensors of more than `cutoff` bytes go to the large cache. Tensors are moved to `device`.
    """

    def __init__(self, cutoff: int, small_capacity: int, large_capacity: int, device: str) -> None:
        for what, value in (("cutoff", cutoff), ("small_capacity", small_capacity), ("large_capacity", large_capacity)):
            if not isinstance(value, int):
                raise TypeError(f"{what}: expected an int, got {type(value).__name__}")
            if value < 0:
                raise OverflowError(f"{what}: must not be negative, got {value}")
        self._cutoff = cutoff
        self._small = _LeastRecentlyUsed(small_capacity)
        self._large = _LeastRecentlyUsed(large_capacity)
        self._device = _core.TorchDeviceDtype(device, "float32").device

    def get_tensor(self, prefix: str) -> torch.Tensor:
        """The tensor with this key or unique prefix, from the cache or else the store. RuntimeError if none or several match."""
        tensor = self.get_tensor_if_cached(prefix)
        if tensor is None:
            tensor = get_tensor_prefix(prefix).to(self._device)
            (self._large if tensor.nbytes > self._cutoff else self._small).add(prefix, tensor)
        return tensor

    def get_tensor_if_cached(self, prefix: str) -> torch.Tensor | None:
        """The tensor if it is in the cache under this very prefix, else None."""
        _check_prefix(prefix)
        tensor = self._small.get(prefix)
        return tensor if tensor is not None else self._large.get(prefix)
