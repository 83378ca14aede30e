"""Fits on a device of its own, pretended on the CPU: nothing is left behind, nothing waited for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from pretend_device import DEVICE, PretendTensor, pretended
from torch import Generator, Tensor, nn
from torch.utils._pytree import tree_map

from untrained import find_recipe
from untrained.fitting import Callback, Check, ExponentialVariance
from untrained.networks import ResNet, Skip
from untrained.noise import white
from untrained.objectives import MaskedPrediction, Problem
from untrained.operators import Blur, JpegInterval, JpegTables, Mosaic, Resample
from untrained.operators.blur import gaussian_kernel
from untrained.recipes import Recipe
from untrained.restoring import Execution, solve

OBSERVED = torch.rand(1, 3, 16, 24, generator=Generator().manual_seed(0))
HOLE = torch.ones(1, 1, 16, 24)
HOLE[..., 4:8, 5:9] = 0
LINES = torch.ones(1, 1, 16, 24)
LINES[..., 1::2, :] = 0
JPEG = JpegTables(luma=(9,) * 64, chroma=(20,) * 64)


def small(task: str, name: str, **changes: Any) -> Recipe:
    """Return the recipe with a narrow network, for a few steps."""
    recipe = find_recipe(task, name)
    network: Any = recipe.network
    if isinstance(network, Skip):
        network = replace(
            network, widths=(8, 8), widths_up=(), widths_skip=4, kernel_down=3, kernel_up=3,
            up="nearest",  # on a CPU, bilinear upsampling has a gradient of its own
        )  # fmt: skip
    elif isinstance(network, ResNet):
        network = replace(network, num_blocks=1, width=8)
    return replace(recipe, network=network, max_steps=4, check_every=2, **changes)


def noisy(**given: Any) -> Problem:
    return Problem(observed=OBSERVED, noise=white(0.1), **given)


FEW = MaskedPrediction(num_predictions=2)
EMV = ExponentialVariance(burn_in=1, patience=100)
FITS: dict[str, tuple[Problem, Recipe]] = {
    "denoise/fast": (noisy(), small("denoise", "fast")),
    "denoise/sure": (noisy(), small("denoise", "sure")),
    "denoise/paper": (noisy(), small("denoise", "paper")),
    "denoise/es-wmv": (noisy(), small("denoise", "es-wmv")),
    "denoise/es-emv": (noisy(), small("denoise", "es-wmv", stopper=EMV)),
    "denoise/sgld-fast": (noisy(), small("denoise", "sgld-fast")),
    "denoise/self2self": (noisy(), small("denoise", "self2self", objective=FEW)),
    "denoise/self-guided": (noisy(), small("denoise", "self-guided")),
    "flash/fast": (noisy(guide=OBSERVED[:, :2]), small("flash", "fast")),
    "inpaint/fast": (noisy(known=HOLE), small("inpaint", "fast")),
    "deinterlace/fast": (noisy(known=LINES), small("deinterlace", "fast")),
    "upscale/fast": (noisy(operator=Resample(2)), small("upscale", "fast")),
    "deblur/fast": (noisy(operator=Blur(gaussian_kernel(0.5))), small("deblur", "fast")),
    "deblur-blind/fast": (
        noisy(operator=Blur(gaussian_kernel(0.5))), small("deblur-blind", "fast"),
    ),
    "demosaic/fast": (
        Problem(observed=OBSERVED[:, :1], operator=Mosaic()), small("demosaic", "fast"),
    ),
    "dejpeg/fast": (
        Problem(observed=OBSERVED, operator=JpegInterval(OBSERVED, JPEG)), small("dejpeg", "fast"),
    ),
}  # fmt: skip


class Keep(Callback):
    """Remember the state in the middle as a file gives it back: on the CPU."""

    state: Any = None

    def on_check(self, check: Check) -> None:
        if check.step == 2:
            self.state = tree_map(_as_loaded, check.state())


def _as_loaded(value: Any) -> Any:
    return value.cpu() if isinstance(value, Tensor) else value


@pytest.mark.parametrize("name", FITS)
def test_a_fit_on_a_device_resumes_and_is_the_one_on_the_cpu(name: str) -> None:
    problem, recipe = FITS[name]
    here = solve(problem, recipe, seed=1).estimate
    keep = Keep()
    with pretended():
        there = solve(
            problem.to(DEVICE), recipe, seed=1, execution=Execution(callbacks=[keep])
        ).estimate
        assert isinstance(there, PretendTensor)
        resumed = solve(
            problem.to(DEVICE), recipe, seed=1, execution=Execution(state=keep.state)
        ).estimate
        assert isinstance(resumed, PretendTensor)
        there, resumed = there.cpu(), resumed.cpu()
    assert torch.equal(there, here)
    assert torch.equal(resumed, here)


@pytest.mark.parametrize("name", FITS)
def test_law_3_the_loop_waits_for_the_device_at_its_looks_only(name: str) -> None:
    problem, recipe = FITS[name]
    waited = []
    for steps in (2, 5):
        with pretended() as waits:
            solve(problem.to(DEVICE), replace(recipe, max_steps=steps, check_every=steps))
            waited.append(waits)
    few, many = waited
    assert len(many) == len(few), [wait for wait in many if many.count(wait) > few.count(wait)]


def test_a_problem_on_a_device_leaves_the_callers_operator_where_it_was() -> None:
    operator = Blur(gaussian_kernel(0.5))
    with pretended():
        moved = noisy(operator=operator).to(DEVICE).operator
        assert isinstance(moved, Blur)
        assert isinstance(moved.kernel, PretendTensor)
        assert not isinstance(operator.kernel, PretendTensor)


def test_on_mps_which_has_no_float64_operators_are_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    class Goes(Tensor):  # where no tensor can go on this machine
        def to(self, *place: Any) -> Any:
            return self

    monkeypatch.setattr(nn.Module, "to", Goes.to)
    there = OBSERVED.as_subclass(Goes)
    for operator in (Blur(gaussian_kernel(0.5)), JpegInterval(OBSERVED, JPEG), Resample(2)):
        moved = Problem(observed=there, operator=operator).to(torch.device("mps")).operator
        assert isinstance(moved, nn.Module)
        assert {buffer.dtype for buffer in moved.buffers()} == {torch.float32}
        assert torch.float64 in {buffer.dtype for buffer in operator.buffers()}
