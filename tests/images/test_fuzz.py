"""Damaged picture files: each is read or refused in one line, within bounds; nothing else."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from untrained import InputError
from untrained.images import Picture, read_picture, write_picture

EACH = 26  # mutants of one file
MOST = 64 * 2**20  # bytes of memory for a file that was of some kilobytes


def corpus(folder: Path) -> Iterator[Path]:
    """Write small pictures of every kind that is read."""
    rng = np.random.default_rng(0)
    smooth = np.linspace(0, 255, 24)[:, None, None] + 20 * rng.random((24, 32, 3))
    photo = smooth.clip(0, 255).astype(np.uint8)
    alpha = np.concatenate([photo, photo[..., :1]], axis=2)
    kinds: dict[str, Callable[[Path], object]] = {
        "rgb.png": Image.fromarray(photo).save,
        "rgba.png": Image.fromarray(alpha).save,
        "palette.png": Image.fromarray(photo).quantize(16).save,
        "one-bit.png": Image.fromarray(photo[..., 0]).convert("1").save,
        "photo.jpg": lambda path: Image.fromarray(photo).save(path, quality=90),
        "gray.jpg": Image.fromarray(photo[..., 0]).save,
        "progressive.jpg": lambda path: Image.fromarray(photo).save(path, progressive=True),
        "lossless.webp": lambda path: Image.fromarray(photo).save(path, lossless=True),
        "lossy.webp": Image.fromarray(photo).save,
        "plain.tif": lambda path: tifffile.imwrite(path, photo),
        "deflate.tif": lambda path: tifffile.imwrite(path, photo, compression="zlib"),
        "float.tif": lambda path: tifffile.imwrite(path, photo[..., 0].astype(np.float32)),
        "stack.tif": lambda path: tifffile.imwrite(
            path, np.stack([photo[..., 0]] * 3), photometric="minisblack"
        ),
        "big.tif": lambda path: tifffile.imwrite(path, photo, bigtiff=True),
        "ours.tif": lambda path: write_picture(path, Picture.from_array(photo)),
        "rgb.npy": lambda path: np.save(path, photo),
        "float.npy": lambda path: np.save(path, photo[..., 0] / 255),
    }
    for name, write in kinds.items():
        write(folder / name)
        yield folder / name


def mutants(data: bytes, rng: random.Random) -> Iterator[bytes]:
    """Yield damaged files: cut, some bits or bytes changed, junk put in, a part gone or twice."""
    size = len(data)
    for i in range(EACH):
        changed = bytearray(data)
        # most of what a file says of itself stands at its beginning
        at = rng.randrange(min(size, 64) if i % 2 else size)
        kind = i % 8
        if kind == 0:
            del changed[at:]
        elif kind == 1:
            for _ in range(rng.choice((1, 3, 20))):
                changed[rng.randrange(size)] ^= 1 << rng.randrange(8)
        elif kind == 2:
            changed[at : at + 4] = rng.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"))
        elif kind == 3:
            changed[at:at] = rng.randbytes(rng.choice((1, 7, 300)))
        elif kind == 4:
            del changed[at : at + rng.choice((1, 4, 50))]
        elif kind == 5:
            changed[at] = rng.randrange(256)
        elif kind == 6:
            changed[at:at] = changed[at : at + 40]
        else:
            changed += rng.randbytes(50)
            changed[at] ^= 0x80
        yield bytes(changed)


def test_a_damaged_file_is_read_or_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(0)
    read = refused = 0
    faults: list[str] = []
    for source in list(corpus(tmp_path)):
        assert read_picture(source).pixels.size
        path = tmp_path / f"mutant{source.suffix}"
        for i, data in enumerate(mutants(source.read_bytes(), rng)):
            path.write_bytes(data)
            tracemalloc.start()
            try:
                picture = read_picture(path, max_pixels=10**6)
                assert picture.pixels.ndim == 4
                read += 1
            except InputError as error:
                refused += 1
                if "\n" in str(error) or path.name not in str(error):
                    faults.append(f"{source.name} {i}: {error}")
            except Exception as error:
                faults.append(f"{source.name} {i}: {type(error).__name__}: {error}")
            finally:
                most = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
            if most > MOST:
                faults.append(f"{source.name} {i}: {most / 2**20:.0f} MiB")
            assert path.read_bytes() == data
    assert not faults
    assert read + refused >= 400
    assert read > 50
    assert refused > 150
    assert "Traceback" not in capfd.readouterr().err
