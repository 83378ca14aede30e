"""Blind deblurring: the kernel that is found, where the frame lies, resuming, the command."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import untrained as package
from untrained import InputError, find_recipe, with_settings
from untrained.fitting import Callback, Check, Halving
from untrained.images import Picture, read_picture, write_picture
from untrained.metrics import ssim
from untrained.objectives import BlindDeconvolution, Problem
from untrained.objectives.blind import _centred, _similarity
from untrained.operators import Blur
from untrained.recipes import Recipe
from untrained.restoring import Execution, solve
from untrained.simulation import degrade

Run = Callable[..., subprocess.CompletedProcess[str]]
Scene = Callable[..., NDArray[np.float64]]


def quick(steps: int, **changes: str) -> Recipe:
    return with_settings(
        find_recipe("deblur-blind", "fast"),
        {"widths": "16,16", "max_steps": str(steps), **changes},
    )


def streak(size: int = 9, length: int = 5) -> NDArray[np.float64]:
    kernel = np.zeros((size, size))
    middle, reach = size // 2, length // 2
    kernel[middle, middle - reach : middle + reach + 1] = 1 / length
    return kernel


def as_bytes(image: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(255 * image.clip(0, 1)).astype(np.uint8)


def test_a_kernel_of_sum_one_is_found_that_is_like_the_true_one(scene: Scene) -> None:
    truth, kernel = scene(32, 32), streak()
    blurred = degrade.blur(truth, kernel)
    shown = as_bytes(blurred)
    kept = shown.copy()
    image, found = package.deblur_blind(shown, 9, recipe=quick(80))
    assert image.shape == truth.shape
    assert image.dtype == np.uint8
    assert np.array_equal(shown, kept)
    assert found.shape == (9, 9)
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1, abs=1e-5)
    alike = (found * kernel).sum() / np.linalg.norm(found) / np.linalg.norm(kernel)
    flat = kernel.sum() / 9 / np.linalg.norm(kernel)  # of the kernel that nobody has fitted
    assert alike > flat + 0.15
    rows, columns = np.mgrid[-4:5, -4:5]
    assert abs((found * rows).sum()) < 0.75  # its centre of mass is in the middle
    assert abs((found * columns).sum()) < 0.75


def test_what_is_measured_is_the_frame_blurred_by_the_kernel_found(scene: Scene) -> None:
    observed = torch.from_numpy(scene(24, 24)).permute(2, 0, 1)[None].float()
    problem = Problem(observed=observed, operator=Blur(torch.full((5, 5), 1 / 25)))
    objective = BlindDeconvolution().build(problem, (24, 24), seed=0)
    # A network whose picture is the ramp of the columns, and a kernel that is one point.
    width = objective.z.shape[-1]
    ramp = torch.arange(width).float().expand(1, 1, width, width)
    point = torch.zeros(5, 5)
    point[1, 3] = 1
    objective.kernel_network.forward = lambda: point  # type: ignore[method-assign]
    image = objective.estimate(lambda z: ramp)
    iterate = objective(lambda z: ramp)
    assert torch.equal(image, iterate.measured)  # the frame is moved as the kernel moves it
    assert torch.equal(objective.problem.operator(image), iterate.measured)  # as stop rules see it
    assert torch.equal(objective.extras(lambda z: ramp)["kernel"][0, 0], _centred(point))
    assert float(_centred(point)[2, 2]) == 1


def test_the_similarity_is_ssim_with_a_gradient() -> None:
    x, y = torch.rand(2, 1, 3, 20, 24)
    x.requires_grad_()
    value = _similarity(x, y)
    assert value.item() == pytest.approx(ssim(x.detach(), y), abs=1e-5)
    value.backward()
    assert x.grad is not None
    assert float(_similarity(y, y)) == pytest.approx(1)


def test_a_blind_fit_resumes_to_the_bit(scene: Scene) -> None:
    class Keep(Callback):
        state: Any = None

        def on_check(self, check: Check) -> None:
            if check.step == 10:
                self.state = check.state()

    blurred = torch.from_numpy(scene(20, 24)).permute(2, 0, 1)[None].float()
    problem = Problem(observed=blurred, operator=Blur(torch.full((5, 5), 1 / 25)))
    recipe, keep = quick(12, similarity_after="5", widths="8,8"), Keep()
    whole = solve(problem, recipe, execution=Execution(callbacks=[keep]))
    again = solve(problem, recipe, execution=Execution(state=keep.state))
    assert torch.equal(whole.estimate, again.estimate)
    assert torch.equal(whole.extras["kernel"], again.extras["kernel"])


def test_the_published_step_size_is_halved_at_2000_3000_and_4000() -> None:
    schedule = find_recipe("deblur-blind", "paper").optimizer.step_size
    assert isinstance(schedule, Halving)
    factors = [schedule.factor(s, 5000) for s in (0, 1999, 2000, 2999, 3000, 4000, 4999)]
    assert factors == [1, 1, 0.5, 0.5, 0.25, 0.125, 0.125]


def test_the_command_keeps_the_kernel_and_wants_one_of_two(
    tmp_path: Path, scene: Scene, untrained: Run
) -> None:
    shown = as_bytes(degrade.blur(scene(24, 24), streak(5, 3)))
    write_picture(tmp_path / "in.png", Picture.from_array(shown))
    done = untrained(
        "deblur", "in.png", "-o", "out.png", "--kernel-size", 5, "--steps", 20,
        "--set", "widths=8,8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (kernel,) = tmp_path.glob("untrained-runs/in-deblur-blind-*/kernel.npy")
    assert np.load(kernel).shape == (5, 5)
    assert kernel.with_suffix(".png").exists()
    assert read_picture(tmp_path / "out.png").pixels.shape == (1, 24, 24, 3)
    done = untrained("deblur", "in.png", "-o", "no.png")
    assert done.returncode == 2
    assert "--kernel-size" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_bad_sizes_are_refused(scene: Scene) -> None:
    image = as_bytes(scene(16, 16))
    for size, message in [(4, "odd"), (1, "odd"), (17, "smaller kernel")]:
        with pytest.raises(InputError, match=message):
            package.deblur_blind(image, size)
