"""Nothing is read that has no end, and nothing decoded that memory has no room for."""

from __future__ import annotations

import errno
import os
import socket
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from bombs import bomb
from untrained import memory
from untrained.errors import InputError, lacks_memory
from untrained.images import Picture, files, read_picture, write_picture
from untrained.jobs import Job
from untrained.reading import hash_of, open_regular, read_regular
from untrained.recipes import find_recipe


def fifo(path: Path) -> None:
    os.mkfifo(path)


def zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def of_the_system(path: Path) -> None:
    path.symlink_to("/proc/kmsg")  # waits for the kernel to say something


@pytest.mark.skipif(os.name == "nt", reason="Windows has none of them")
@pytest.mark.parametrize("make", [fifo, zeros, folder, listening, of_the_system])
@pytest.mark.timeout(60)
def test_only_regular_files_are_read(
    make: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    path = Path("a.png")
    make(path)
    job = Job(
        task="deblur", source=path, target=tmp_path / "out.png",
        recipe=find_recipe("deblur", "fast"),
    )  # fmt: skip
    for read in (read_picture, lambda path: job.fingerprint()):
        with pytest.raises(InputError, match=r"a pipe or device|is a folder|is empty|cannot be"):
            read(path)
    if make is not of_the_system:
        for read in (hash_of, open_regular, lambda path: read_regular(path, most=100)):
            with pytest.raises(InputError, match=r"a pipe or device|is a folder"):
                read(path)


def test_second_files_are_looked_at_before_they_are_read(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", Picture.from_array(np.zeros((9, 9), np.uint8)))
    job = Job(
        task="deblur", source=tmp_path / "a.png", target=tmp_path / "out.png",
        files={"kernel": Path("/dev/zero")}, recipe=find_recipe("deblur", "fast"),
    )  # fmt: skip
    with pytest.raises(InputError, match=r"/dev/zero: is a pipe or device"):
        job.fingerprint()


def test_no_more_is_read_than_a_file_says_it_has(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"x" * 1000)
    with pytest.raises(InputError, match=r"has 1,000 bytes; wanted a list of at most 999"):
        read_regular(path, most=999, wanted="a list")
    assert len(read_regular(path, most=1000)) == 1000
    with path.open("wb") as file:  # a terabyte of nothing
        file.truncate(2**40)
    job = Job(
        task="denoise", source=path, target=tmp_path / "out.png",
        recipe=find_recipe("denoise", "fast"), options={"sigma": None, "sigma_in_units": False},
    )  # fmt: skip
    with pytest.raises(InputError, match="is not a picture"):
        job.fingerprint()


# --- memory


def png(path: Path) -> None:
    bomb(path, 15000)


def deflated(path: Path) -> None:
    strip = zlib.compress(bytes(8 * 15000 * 250))
    tifffile.imwrite(path, shape=(15000, 15000), dtype="float64", compression="zlib",
                     rowsperstrip=250, data=iter([strip] * 60))  # fmt: skip


def many_channels(path: Path) -> None:
    header(path, (512, 4, 4000, 4000))


def pages(path: Path) -> None:
    header(path, (240, 1000, 1000))


def header(path: Path, shape: tuple[int, ...]) -> None:
    """Write a .npy file of zeros that takes no place on the disk."""
    np.lib.format.open_memmap(path, "w+", "<f4", shape)


@pytest.mark.parametrize(
    ("name", "make", "axis"),
    [("a.png", png, "auto"), ("a.tif", deflated, "auto"), ("a.npy", pages, "auto"),
     ("b.npy", many_channels, 1)],
)  # fmt: skip
def test_what_has_no_room_in_memory_is_refused_before_it_is_decoded(
    name: str, make: Callable[[Path], None], axis: int, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if make is many_channels and os.name == "nt":
        pytest.skip("no sparse files")
    make(tmp_path / name)
    monkeypatch.setattr(memory, "free_memory", lambda: 10**9)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"needs about .* GiB of memory, 0.9 GiB are free"):
            read_picture(tmp_path / name, channel_axis=axis, max_pixels=10**12)
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 8 bytes"),
     OSError(errno.ENOMEM, "Cannot allocate memory"), ValueError("vips: out of memory --- size")],
)  # fmt: skip
def test_a_decoder_that_lacks_memory_does_not_call_the_file_damaged(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    write_picture(tmp_path / "a.png", Picture.from_array(np.zeros((9, 9), np.uint8)))
    monkeypatch.setitem(files._READERS, "png", fail)
    with pytest.raises(InputError, match="does not fit into memory"):
        read_picture(tmp_path / "a.png")


def test_other_errors_are_not_of_memory() -> None:
    assert not lacks_memory(ValueError("the memory of a summer"))
    assert not lacks_memory(OSError(errno.ENOSPC, "No space left on device"))
    assert not lacks_memory(None)


def test_limits_of_groups_and_of_the_process_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    monkeypatch.setattr(memory, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(memory, "_of_the_process", lambda: iter(()))
    put("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:    8000 kB\n")
    put("proc/self/cgroup", "0::/box/inner\n")
    assert memory.free_memory() == 8000 * 1024
    put("groups/box/memory.max", "3000000\n")
    put("groups/box/memory.current", "1000000\n")
    put("groups/box/memory.stat", "anon 5\ninactive_file 250000\n")
    put("groups/box/inner/memory.max", "max\n")
    put("groups/box/inner/memory.current", "1000\n")
    assert memory.free_memory() == 2250000
    put("proc/self/cgroup", "4:cpu,memory:/old\n0::/\n")
    put("groups/memory/old/memory.limit_in_bytes", "2000000")
    put("groups/memory/old/memory.usage_in_bytes", "500000")
    put("groups/memory/memory.limit_in_bytes", "9223372036854771712")
    put("groups/memory/memory.usage_in_bytes", "500000")
    assert memory.free_memory() == 1500000
    monkeypatch.setattr(memory, "_of_the_process", lambda: iter([700000]))
    assert memory.free_memory() == 700000
