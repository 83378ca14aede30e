"""Ten short fits, and the hashes that their images had when they were last meant to change.

    python tests/restoring/same_bytes.py            compare with the file beside this one
    python tests/restoring/same_bytes.py --record   write it anew, after a change that is meant to

Rounding depends on the processor and on torch, and a fit enlarges it: hashes hold where they were
made. Elsewhere the means over blocks of 8x8 pixels are compared, after three steps in float32,
which a change of a setting moves: after twenty in bfloat16, processors differ by up to .08.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from untrained import dejpeg, denoise, find_recipe, inpaint, upscale, with_settings
from untrained.objectives import Problem
from untrained.restoring import solve_tiled

RECORD = Path(__file__).with_suffix(".json")
STEPS = {"whole": "20", "brief": "3"}


def picture(height: int = 40, width: int = 48) -> NDArray[np.float32]:
    """Return a noisy colour picture in [0, 1] with edges and stripes, the same everywhere."""
    y, x = np.mgrid[0:height, 0:width] / 48.0
    gray = 0.3 + 0.4 * y + 0.3 * (x > y) - 0.2 * (np.sin(30 * x) > 0.5)
    image = gray[..., None] * np.array([1.0, 0.8, 0.6])
    noise = np.random.RandomState(0).normal(0, 20, image.shape)
    return (np.clip(np.rint(255 * image + noise), 0, 255) / 255).astype(np.float32)


def short(task: str, name: str, length: str) -> Any:
    """Return a recipe that takes twenty steps, or three in float32."""
    changes = {"max_steps": STEPS[length]}
    if length == "brief":
        # A later tile takes as many steps as there are between two looks, if no more.
        changes |= {"acceleration.precision": "float32", "check_every": STEPS[length]}
        if name == "paper":  # five levels end in a pixel or two, whose norm enlarges all rounding
            changes |= {"widths": "16,16,16", "widths_skip": "4"}
    if name == "sgld-fast":
        first, every = ("5", "3") if length == "whole" else ("1", "1")
        changes |= {"burn_in": first, "average.every": every}
    return with_settings(find_recipe(task, name), changes)


def tiled(recipe: Any) -> NDArray[Any]:
    """Return a picture fitted in two tiles."""
    values = torch.from_numpy(picture(96, 72).transpose(2, 0, 1)[None].copy())
    result = solve_tiled(Problem(observed=values), recipe, device=torch.device("cpu"), tile=80)
    return result.estimate.numpy()


def from_jpeg(recipe: Any) -> NDArray[Any]:
    """Return a JPEG file of quality 20, restored."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.rint(255 * picture()).astype(np.uint8)).save(file, format="JPEG", quality=20)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.jpg"
        path.write_bytes(file.getvalue())
        return dejpeg(path, recipe=recipe, device="cpu")


def cases(length: str = "whole") -> dict[str, Callable[[], NDArray[Any]]]:
    """Return what makes the image of each case."""
    known = np.random.RandomState(1).random((40, 48)) > 0.4
    made: dict[str, Callable[[], NDArray[Any]]] = {}
    for name in ("fast", "best", "paper", "sgld-fast"):
        made[f"denoise/{name}"] = lambda name=name: denoise(  # type: ignore[misc]
            picture(), recipe=short("denoise", name, length), device="cpu"
        )
    for name in ("fast", "best", "paper"):
        made[f"inpaint/{name}"] = lambda name=name: inpaint(  # type: ignore[misc]
            picture(), known, recipe=short("inpaint", name, length), device="cpu"
        )
        made[f"upscale/{name}"] = lambda name=name: upscale(  # type: ignore[misc]
            picture(16, 20), 2, recipe=short("upscale", name, length), device="cpu"
        )
    made["dejpeg/fast"] = lambda: from_jpeg(short("dejpeg", "fast", length))
    made["tiles"] = lambda: tiled(short("denoise", "fast", length))
    return made


def machine() -> dict[str, str]:
    """Return what the bytes depend on beside the code."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        kinds = ("cpu family", "model", "stepping", "model name")
        found = dict(x.split(":", 1) for x in lines[:30] if ":" in x)
        named = {name.strip(): value.strip() for name, value in found.items()}
        model = " ".join(named[kind] for kind in kinds if kind in named) or model
    return {
        "processor": model,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
    }


def hash_of(image: NDArray[Any]) -> str:
    """Return the hash of an image."""
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()


def blocks_of(image: NDArray[Any]) -> list[list[float]]:
    """Return the means of an image over blocks of 8x8, from 0 to 1."""
    values = image.astype(np.float64) / (255 if image.dtype == np.uint8 else 1)
    values = values[0].mean(0) if values.ndim == 4 else values.mean(-1)
    height, width = (side // 8 * 8 for side in values.shape)
    blocks = values[:height, :width].reshape(height // 8, 8, width // 8, 8).mean((1, 3))
    return blocks.round(4).tolist()  # type: ignore[no-any-return]


def main() -> int:
    """Compare all cases with the record, or write it."""
    torch.set_num_threads(1)
    found = {}
    for name, make in cases().items():
        brief = cases("brief")[name]()
        found[name] = {"sha256": hash_of(make()), "blocks": blocks_of(brief)}
        print(name, found[name]["sha256"], flush=True)
    if "--record" in sys.argv:
        RECORD.write_text(json.dumps({"machine": machine(), "images": found}, indent=1) + "\n")
        return 0
    before = json.loads(RECORD.read_text())["images"]
    changed = [name for name in found if found[name]["sha256"] != before[name]["sha256"]]
    print("changed: " + ", ".join(changed) if changed else "all the same")
    return bool(changed)


if __name__ == "__main__":
    sys.exit(main())
