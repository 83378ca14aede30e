"""Rate and distortion: a Deep Decoder's rounded weights against JPEG of equal size.

    python benchmarks/compression.py [--side 256] [--widths 24 40] [--steps 2000] [--pictures …]

Pictures of scikit-image, cut from the middle. For every width the compressed file's bytes and
PSNR, and the PSNR of the largest JPEG (Pillow, 4:2:0, optimised tables) that is no larger. JPEG's
file carries tables of some 600 bytes that a decoder could know; they are counted, as they are in
any file.
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path

import numpy as np
from common import central, load, psnr, table
from PIL import Image

from untrained.images import Picture, write_picture
from untrained.restoring import Compression, compress, decompress


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--widths", type=int, nargs="*", default=[24, 40])
    parser.add_argument("--bits", type=int, default=6)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--pictures", nargs="*", default=["astronaut", "camera", "coffee"])
    parser.add_argument("--out", type=Path, default=Path("compression"))
    options = parser.parse_args()
    rows = []
    for name in options.pictures:
        truth = central(load(name), options.side)
        image = np.rint(truth * 255).astype(np.uint8)
        for width in options.widths:
            began = time.monotonic()
            settings = Compression(width=width, bits=options.bits, steps=options.steps)
            result = compress(image, settings)
            seconds = time.monotonic() - began
            decoded, exact = decompress(result.data)
            assert exact
            quality, size, jpeg = jpeg_of_size(image, len(result.data))
            rows.append([
                name, str(width), str(len(result.data)), f"{psnr(decoded / 255, truth):.2f}",
                f"{size} (q {quality})", f"{psnr(jpeg / 255, truth):.2f}", f"{seconds:.0f}",
            ])  # fmt: skip
            print(rows[-1], flush=True)
            side_by_side = np.concatenate([image, decoded, jpeg], axis=1)
            target = options.out / f"{name}-{width}.png"
            write_picture(target, Picture.from_array(side_by_side))
    print(table(["picture", "width", "bytes", "PSNR", "JPEG bytes", "JPEG PSNR", "seconds"], rows))


def jpeg_of_size(image: np.ndarray, limit: int) -> tuple[int, int, np.ndarray]:
    """Return quality, bytes and image of the best JPEG within a size; the smallest if none is."""
    plain = image[:, :, 0] if image.shape[2] == 1 else image
    best: tuple[int, int, np.ndarray] | None = None
    for quality in range(1, 96):
        buffer = io.BytesIO()
        Image.fromarray(plain).save(buffer, "JPEG", quality=quality, optimize=True)
        if best is None or buffer.tell() <= limit:
            back = np.asarray(Image.open(io.BytesIO(buffer.getvalue()))).reshape(image.shape)
            best = (quality, buffer.tell(), back)
    assert best is not None
    return best


if __name__ == "__main__":
    main()
