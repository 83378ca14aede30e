"""Beside deepinv, in one run and one thread: the ConvDecoder's step, the projector, images of both.

    python benchmarks/beside_deepinv.py speed
    python benchmarks/beside_deepinv.py images --steps 600

Needs `untrained[deepinv]` and a torchvision that goes with the torch. Times are processor seconds
(`time.process_time`); one thread, so that neither library is given more.

speed: a step of fitting a ConvDecoder (160 channels, 8 layers) to single-coil k-space of 256x256,
and forward + adjoint of 60 projections of 256x256.

images: what `UntrainedReconstructor` makes of four measurements, stopped by itself, beside the
least squares of deepinv (`A_dagger`).
"""

from __future__ import annotations

import argparse
import contextlib
import time

import deepinv
import torch
from common import load

from untrained import psnr
from untrained.interop import UntrainedReconstructor


def seconds(work, repeats: int) -> float:
    """Return the processor seconds of one call; the first is not counted."""
    work()
    start = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - start) / repeats


def k_space(size: int = 256):
    """Return a physics of single-coil MRI with a fifth of the columns and the middle ones."""
    mask = torch.zeros(1, 1, size, size)
    mask[..., ::5] = 1
    mask[..., size // 2 - 10 : size // 2 + 10] = 1
    return deepinv.physics.MRI(mask=mask, img_size=(2, size, size))


def step_of_theirs(physics, y, width: int, layers: int):
    """Return a function that takes one step of deepinv's ConvDecoder."""
    network = deepinv.models.ConvDecoder(
        img_size=(2, 256, 256), in_size=(8, 8), layers=layers, channels=width
    )
    z = torch.randn(1, width, 8, 8)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)

    def step() -> None:
        optimizer.zero_grad()
        (physics.A(network(z)) - y).square().mean().backward()
        optimizer.step()

    return step


def seconds_of_ours(physics, y, width: int, layers: int, repeats: int) -> float:
    """Return the processor seconds a step, from two fits of the same problem."""
    from untrained import Problem, solve, with_settings
    from untrained.interop import as_operator

    operator = as_operator(physics, y)
    problem = Problem(observed=operator.pack(y), operator=operator)
    spent = []
    for steps in (2, 2 + repeats):
        recipe = with_settings(
            "denoise/conv-decoder",
            {
                "width": width, "layers": layers, "max_steps": steps, "stopper": "FixedSteps",
                "check_every": 1000, "z.channels": width,
            },
        )  # fmt: skip
        start = time.process_time()
        solve(problem, recipe)
        spent.append(time.process_time() - start)
    return (spent[1] - spent[0]) / repeats


def speed(repeats: int) -> None:
    physics = k_space()
    y = physics.A(torch.rand(1, 2, 256, 256))
    for width, layers in ((64, 6), (160, 8)):
        theirs = seconds(step_of_theirs(physics, y, width, layers), repeats)
        ours = seconds_of_ours(physics, y, width, layers, repeats)
        print(
            f"ConvDecoder {width}x{layers}: deepinv {theirs:.2f} CPU s a step, "
            f"untrained {ours:.2f}: {theirs / ours:.2f} times as fast"
        )
    image = torch.rand(1, 1, 256, 256, requires_grad=True)
    scan = deepinv.physics.Tomography(60, 256, normalize=False)

    def both(operator) -> None:
        measured = operator(image)
        torch.autograd.grad(measured, image, torch.ones_like(measured))

    print(
        f"deepinv Tomography, forward + adjoint: {1e3 * seconds(lambda: both(scan.A), 10):.0f} ms"
    )
    with contextlib.suppress(ImportError):
        from untrained.operators import Radon

        ours = Radon(torch.arange(60) * torch.pi / 60, 364, (256, 256))
        print(f"untrained Radon: {1e3 * seconds(lambda: both(ours), 10):.0f} CPU ms")


def problems(truth):
    """Yield the name, physics and truth of four measurements."""
    p = deepinv.physics
    size = truth.shape[-1]
    pair = torch.cat([truth, torch.zeros_like(truth)], 1)
    drawn = torch.Generator().manual_seed(0)
    noise = p.GaussianNoise(0.01, rng=torch.Generator().manual_seed(1))
    yield "sensing 25 %", p.CompressedSensing(size * size // 4, (1, size, size), rng=drawn), truth
    yield "MRI 4x", _masked(k_space(size), noise), pair
    yield "CT 30 views", p.Tomography(30, size, normalize=False, circle=True), truth
    kernel = deepinv.physics.blur.gaussian_blur(sigma=1.5)
    yield "blur", p.Blur(kernel, padding="circular", noise_model=noise), truth


def _masked(physics, noise):
    physics.set_noise_model(noise)
    return physics


def images(name: str, size: int, steps: int) -> None:
    truth = torch.nn.functional.interpolate(
        torch.from_numpy(load(name)).float().mean(-1)[None, None], (size, size), mode="area"
    )
    truth = truth / truth.max()
    for label, physics, image in problems(truth):
        y = physics(image)
        start = time.process_time()
        model = UntrainedReconstructor(settings={"max_steps": steps})
        found = model(y, physics)
        spent, result = time.process_time() - start, model.results[0]
        linear = physics.A_dagger(y)
        print(
            f"{label}: A† {psnr(linear, image):.2f} dB; untrained {psnr(found, image):.2f} dB at "
            f"step {result.kept_step} of {result.stop_step}, {spent:.0f} CPU s"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("speed", "images"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--picture", default="set12/01_cameraman.png")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--steps", type=int, default=600)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.what == "speed":
        speed(asked.repeats)
    else:
        images(asked.picture, asked.size, asked.steps)


if __name__ == "__main__":
    main()
