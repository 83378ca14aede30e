"""Crops of several results side by side, enlarged with plain pixels, from a folder of quality.py.

python benchmarks/crops.py FOLDER astronaut --at 0,180,128 --at 300,60,128 -o docs/images/x.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

NAMES = {
    "observed": "observed",
    "truth": "clean",
    "fast": "untrained fast",
    "best": "untrained best",
}
GAP = 6
BAR = 26


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("picture")
    parser.add_argument("--at", action="append", required=True, help="top,left,side; one a row")
    parser.add_argument("--methods", default="observed,NLM,fast,truth")
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    methods = options.methods.split(",")
    font = ImageFont.load_default(size=16)
    rows = []
    for place in options.at:
        top, left, side = map(int, place.split(","))
        cells = []
        for method in methods:
            path = options.folder / f"{options.picture}-{method}.png"
            crop = Image.open(path).convert("RGB").crop((left, top, left + side, top + side))
            size = side * options.scale
            cell = Image.new("RGB", (size + GAP, size + BAR), "white")
            cell.paste(crop.resize((size, size), Image.Resampling.NEAREST), (0, BAR))
            ImageDraw.Draw(cell).text((2, 3), NAMES.get(method, method), fill="black", font=font)
            cells.append(np.asarray(cell))
        rows.append(np.concatenate(cells, axis=1))
    Image.fromarray(np.concatenate(rows)).save(options.output, optimize=True)


if __name__ == "__main__":
    main()
