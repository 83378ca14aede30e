"""A step of the published ConvDecoder: ours beside deepinv's, on one machine in one run.

    OMP_NUM_THREADS=1 python benchmarks/conv_decoder.py [--rounds 2]

One step is the network's image, its k-space, the loss on the sampled columns, the gradient and
Adam: 160 channels, 8 layers; one coil of 256x256, and 15 of 640x368 as in the authors' notebook.
deepinv's network and ours get the same Fourier transform. CPU seconds of the process, the second
step and later ones. "auto" computes convolutions in bfloat16 where the processor has it, as the
recipes do; "float32" is its plain twin. Needs deepinv (`pip install 'untrained[deepinv]'`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from untrained.fitting import Acceleration
from untrained.fitting.acceleration import Precision, freed_memory_kept
from untrained.networks import ConvDecoder
from untrained.operators import Fourier, Mask

CASES = {
    "one coil, 256x256": (1, (256, 256), (8, 8)),
    "15 coils, 640x368": (15, (640, 368), (8, 4)),
}


def step_of(
    network: nn.Module, run: Callable[[Tensor], Tensor], operator: nn.Module, y: Tensor, z: Tensor
) -> Callable[[], None]:
    optimizer = torch.optim.Adam(network.parameters(), lr=0.008)

    def step() -> None:
        optimizer.zero_grad()
        (operator(run(z)) - y).square().mean().backward()
        optimizer.step()

    return step


def seconds(step: Callable[[], None], rounds: int) -> float:
    step()
    began = time.process_time()
    for _ in range(rounds):
        step()
    return (time.process_time() - began) / rounds


def imported():
    """Import deepinv; a torchvision made for CUDA wants operators that a CPU's torch lacks."""
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import deepinv

    return deepinv, library


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    rounds = parser.parse_args().rounds
    deepinv, _library = imported()
    for name, (coils, size, in_size) in CASES.items():
        g = Generator().manual_seed(0)
        mask = (torch.rand(1, 1, 1, size[1], generator=g) < 0.3).float()
        operator = Mask(mask.expand(1, 1, *size).contiguous()) @ Fourier()
        y = operator(torch.rand(1, 2 * coils, *size, generator=g))
        z = torch.rand(1, 160, *in_size, generator=g)
        theirs = deepinv.models.ConvDecoder(
            img_size=(2 * coils, *size), in_size=in_size, layers=8, channels=160
        )
        base = seconds(step_of(theirs, theirs, operator, y, z), rounds)
        settings = ConvDecoder(width=160, layers=8, in_size=in_size, bias=False).of_size(*size)
        line = f"{name}: deepinv {base:.2f} s"
        precisions: tuple[Precision, ...] = ("float32", "auto")
        for precision in precisions:
            network = settings.build(160, 2 * coils, generator=g)
            run = Acceleration(precision=precision).prepare(network, torch.device("cpu"))
            with freed_memory_kept():
                ours = seconds(step_of(network, run, operator, y, z), rounds)
            line += f", ours {precision} {ours:.2f} s ({base / ours:.2f} times as fast)"
        print(line, flush=True)


if __name__ == "__main__":
    main()
