"""What the readings of the published inpainting network cost: each against the published code.

    python benchmarks/ambiguities.py [-o FOLDER] [--side 96] [--steps 400] [--width 48] [--seeds 2]

Half of the pixels of two gray pictures are missing; every network is fitted with the same settings
(recipe inpaint/tudelft: Adam at .01), mask, z and seed. Prints a Markdown table of the differences
in PSNR. What the folder's JSON already holds is not measured again; other settings are refused.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import common
import numpy as np
from common import Image
from torch import Generator, Tensor, nn

from untrained import find_recipe, restore
from untrained.fitting import Callback, Check
from untrained.networks import NetworkSettings, Skip
from untrained.restoring import Execution, Given
from untrained.simulation import degrade

PICTURES = {"camera": (64, 176), "kodak24/kodim05.png": (208, 336)}
"""Pictures of no test set, and the top left corner of what is cut out of them."""

BASE = "published code"
AGAIN = "published code, other random z and weights"
"""What chance alone does: a difference no larger than this one's means nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FourChannels:
    """A network with four channels at its end whose mean is the gray picture."""

    inner: Skip

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of z."""
        return self.inner.input_size(height, width)

    def build(self, in_channels: int, out_channels: int, *, generator: Generator) -> nn.Module:
        """Return the network."""
        assert out_channels == 1
        return nn.Sequential(self.inner.build(in_channels, 4, generator=generator), _Mean())


class _Mean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        """(1, 4, H, W) -> (1, 1, H, W)."""
        return x.mean(dim=1, keepdim=True)


def variants(width: int) -> dict[str, NetworkSettings]:
    """Return the network of the published code, and one for every other reading."""
    base = Skip(widths=(width,) * 5)
    return {
        BASE: base,
        AGAIN: base,
        "upsampling as the last operation": replace(base, up_position="last"),
        "skip connections of width 0": replace(base, widths_skip=0),
        "four output channels, averaged": FourChannels(inner=base),
        "no sigmoid: linear output": replace(base, output="linear"),
        "no sigmoid: LeakyReLU(0.01) output": replace(base, output="leaky_relu", slope=0.01),
        "max pooling": replace(base, down="max"),
        "average pooling": replace(base, down="average"),
        "Lanczos2 down-sampling": replace(base, down="lanczos"),
    }


class LastIterate(Callback):
    """Keep the latest iterate, neither averaged nor clipped."""

    estimate: Tensor

    def on_check(self, check: Check) -> None:
        """Take the iterate."""
        self.estimate = check.estimate


def cut_out(name: str, side: int) -> Image:
    """Return the gray square of a picture."""
    picture = common.load(name)
    gray = picture @ np.array([0.299, 0.587, 0.114]) if picture.shape[2] == 3 else picture[..., 0]
    top, left = PICTURES[name]
    return gray[top : top + side, left : left + side, None]


def measure(
    truth: Image, network: NetworkSettings, steps: int, *, mask_seed: int, seed: int
) -> dict[str, float]:
    """Fit once; return PSNRs in dB, of all pixels, and how much lies outside of [0, 1]."""
    known = degrade.missing(truth.shape[:2], 0.5, generator=np.random.default_rng(mask_seed))
    recipe = replace(find_recipe("inpaint", "tudelft"), network=network, max_steps=steps)
    last = LastIterate()
    began = time.monotonic()
    result = restore(
        truth * known[:, :, None],
        recipe=recipe,
        seed=seed,
        given=Given(mask=known),
        execution=Execution(device="cpu", callbacks=[last]),
    )
    seconds = time.monotonic() - began
    iterate = last.estimate[0].permute(1, 2, 0).double().numpy()
    assert result.image is not None
    return {
        "kept": common.psnr(np.asarray(result.image, dtype=float), truth),
        "last": common.psnr(iterate, truth),
        "outside": float(np.mean((iterate < 0) | (iterate > 1))),
        "seconds": seconds,
    }


def report(rows: dict[str, dict[str, float]], names: list[str]) -> str:
    """Return the table: means over pictures and seeds, and differences fit by fit."""
    fits = [key.removesuffix(BASE) for key in rows if key.endswith(BASE)]
    lines = []
    for name in names:
        common_fits = [fit for fit in fits if fit + name in rows]
        if not common_fits:
            continue
        mean, cells = {}, []
        for what in ("kept", "last"):
            values = np.array([rows[fit + name][what] for fit in common_fits])
            gain = values - [rows[fit + BASE][what] for fit in common_fits]
            mean[what] = f"{values.mean():.2f}"
            cells.append(
                "" if name == BASE
                else f"{gain.mean():+.2f} ({gain.min():+.2f} to {gain.max():+.2f})"
            )  # fmt: skip
        outside = np.mean([rows[fit + name]["outside"] for fit in common_fits])
        lines.append([name, mean["kept"], cells[0], mean["last"], cells[1], f"{outside:.2%}",
                      str(len(common_fits))])  # fmt: skip
    header = ["network", "kept image, dB", "difference (range)", "last iterate, dB",
              "difference (range)", "outside [0, 1]", "fits"]  # fmt: skip
    return common.table(header, lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("ambiguities"))
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--width", type=int, default=48, help="channels; the published: 128")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--pictures", nargs="*", default=list(PICTURES), choices=list(PICTURES))
    options = parser.parse_args()
    path = options.output / "ambiguities.json"
    settings = {"side": options.side, "steps": options.steps, "width": options.width}
    data: dict[str, Any] = {"settings": settings, "machine": common.machine(), "rows": {}}
    if path.exists():
        data = json.loads(path.read_text())
        if data["settings"] != settings:
            raise SystemExit(f"{path} holds {data['settings']}, wanted {settings}; give another -o")
    networks = variants(options.width)
    for seed in range(options.seeds):
        for picture in options.pictures:
            truth = cut_out(picture, options.side)
            for name, network in networks.items():
                key = f"{Path(picture).stem}, seed {seed}, {name}"
                if key in data["rows"]:
                    continue
                row = data["rows"][key] = measure(
                    truth, network, options.steps, mask_seed=seed,
                    seed=seed + 100 * (name == AGAIN),
                )  # fmt: skip
                common.save(path, data)
                print(f"{key}: {row['kept']:.2f} dB in {row['seconds']:.0f} s", flush=True)
    print(report(data["rows"], list(networks)))


if __name__ == "__main__":
    main()
