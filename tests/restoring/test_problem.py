"""A problem is any measurement: its range, its shape, what is held out of it, and no batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from untrained import (
    InputError,
    LinearOperator,
    Problem,
    check_operator,
    find_recipe,
    load_fit,
    restore,
    restore_many,
    solve,
    with_settings,
)
from untrained.fitting import FixedSteps, HeldOut
from untrained.networks import Skip
from untrained.operators import Blur, Resample
from untrained.recipes import Recipe, decode, encode
from untrained.restoring import Execution, Given

Scene = Callable[..., NDArray[np.float64]]

SMALL = Skip(widths=(8, 8), widths_skip=4, kernel_refine=0, output="linear")


def quick(steps: int = 60, **changes: Any) -> Recipe:
    """Return a Deep Image Prior that is small and soon done."""
    recipe = with_settings(
        "denoise/paper", {"optimizer": "Muon", "network": SMALL, "max_steps": steps}
    )
    return replace(recipe, **{"average": None, **changes})


class Gain(LinearOperator):
    """A x = g x: keeps a scale, and no offset."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.register_buffer("gain", torch.tensor(gain))

    def forward(self, image: Tensor) -> Tensor:
        return image * self.gain


class Halves(LinearOperator):
    """A x = the sums of two neighbours, (b, c, H, W) -> (b, c, H, W / 2)."""

    def image_shape(self, measurement_shape: tuple[int, int, int, int]) -> Any:
        b, c, h, w = measurement_shape
        return b, c, h, 2 * w

    def forward(self, image: Tensor) -> Tensor:
        return image[..., ::2] + image[..., 1::2]


def picture(side: int = 16, channels: int = 1) -> Tensor:
    generator = Generator().manual_seed(0)
    coarse = torch.rand(1, channels, 4, 4, generator=generator)
    return nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        (torch.rand(4, 1, 8, 8), "batch of 4.*restore_many"),
        (torch.rand(1, 1, 8, 8).to(torch.complex64), "pairs of channels"),
        (torch.zeros(1, 1, 8, 8, dtype=torch.int64), "floating-point"),
        (torch.rand(8, 8), r"wanted a tensor \(1, channels, height, width\)"),
        (np.zeros((1, 1, 8, 8)), "wanted a tensor|observed is"),
    ],
)
def test_what_is_no_measurement_is_refused_in_one_line(observed: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Problem(observed=observed)
    assert "\n" not in str(caught.value)


def test_a_map_of_another_size_is_refused() -> None:
    y = torch.rand(1, 2, 8, 8)
    with pytest.raises(InputError, match="known is 1x2x8x8; wanted 1x1x8x8"):
        Problem(observed=y, known=torch.ones(1, 2, 8, 8))
    with pytest.raises(InputError, match="groups is 1x1x8x4"):
        Problem(observed=y, groups=torch.zeros(1, 1, 8, 4, dtype=torch.int64))


def test_the_shape_of_the_image_comes_from_the_operator() -> None:
    problem = Problem(observed=torch.rand(1, 1, 8, 8), operator=Halves())
    assert problem.image_shape == (1, 1, 8, 16)
    assert solve(problem, quick(2)).estimate.shape == (1, 1, 8, 16)

    def halved(image: Tensor) -> Tensor:
        return image[..., ::2]

    with pytest.raises(InputError, match=r"halved makes 1x1x8x4 of .* 1x1x8x8.*image_shape"):
        solve(Problem(observed=torch.rand(1, 1, 8, 8), operator=halved), quick(2))
    matrix = torch.rand(12, 256)
    with pytest.raises(InputError, match=r"fails on .* 1x1x1x12.*image_shape"):
        solve(
            Problem(observed=torch.rand(1, 1, 1, 12), operator=lambda x: x.flatten(1) @ matrix.T),
            quick(2),
        )


def test_whole_groups_are_held_out() -> None:
    lines = torch.arange(16).view(1, 1, 16, 1).expand(1, 1, 16, 12)
    known = torch.ones(1, 1, 16, 12)
    known[..., :4, :] = 0
    problem = Problem(observed=torch.rand(1, 2, 16, 12), known=known, groups=lines)
    held = problem.hold_out(0.25, generator=Generator().manual_seed(3)).held_out
    assert held is not None
    shares = held[0, 0].mean(1)
    assert sorted(shares.unique().tolist()) == [0, 1]  # no line is parted
    assert int(shares.sum()) == 3  # a quarter of the twelve known ones
    assert float(shares[:4].sum()) == 0
    single = replace(problem, groups=None).hold_out(0.25, generator=Generator().manual_seed(3))
    assert single.held_out is not None
    assert int(single.held_out.sum()) == 36
    with pytest.raises(InputError, match="cannot hold out 50% of 1 groups"):
        replace(problem, groups=torch.zeros_like(lines)).hold_out(0.5, generator=Generator())
    middle = torch.where((lines >= 6) & (lines < 14), -1, lines)
    for seed in range(8):
        held = replace(problem, groups=middle).hold_out(
            0.5, generator=Generator().manual_seed(seed)
        )
        assert held.held_out is not None
        assert float(held.held_out[..., 6:14, :].sum()) == 0
        assert int(held.held_out[0, 0].mean(1).sum()) == 2  # of the four others


def test_groups_judge_a_fit() -> None:
    lines = np.repeat(np.arange(16)[:, None], 16, axis=1)
    result = restore(
        picture()[0, 0].numpy(),
        recipe=quick(60, stopper=HeldOut(fraction=0.1, patience=20)),
        given=Given(groups=lines),
    )
    assert result.reason.value in ("held_out", "max_steps")
    assert result.kept_step > 0
    with pytest.raises(InputError, match="wanted whole numbers"):
        restore(picture()[0, 0].numpy(), recipe=quick(2), given=Given(groups=lines + 0.5))


def test_a_measurement_of_any_range_is_never_stretched() -> None:
    """y = 2 x - with x from -3 to 5: an offset taken off y would be another problem."""
    truth = 8 * picture() - 3
    y = (2 * truth)[0, 0].numpy()
    result = restore(y, recipe=quick(400), given=Given(operator=Gain(2.0)))
    assert result.image is not None
    assert result.image.dtype == np.float32
    error = np.abs(result.image - truth[0, 0].numpy()).mean()
    assert error < 0.05 * float(truth.max() - truth.min())
    assert float(result.image.min()) < -1  # not clipped
    clipped = restore(y, recipe=quick(20), given=Given(operator=Gain(2.0), clip=True))
    assert clipped.image is not None
    assert float(clipped.image.min()) >= 0


def test_a_scale_is_taken_off_before_a_fit_and_given_back_after() -> None:
    y = np.random.default_rng(0).random((16, 16)).astype(np.float32)
    plain = restore(y, recipe=quick(20), given=Given(operator=Gain(2.0)))
    tiny = restore(y * 2**-20, recipe=quick(20), given=Given(operator=Gain(2.0), scale=2**-20))
    np.testing.assert_array_equal(tiny.image, plain.image * 2**-20)
    with pytest.raises(InputError, match="scale"):
        Given(scale=0.0)


def test_a_linear_operator_keeps_the_scale_of_integers() -> None:
    values = np.rint(200 * picture()[0, 0].numpy()).astype(np.uint8)
    result = restore(values, recipe=quick(5), given=Given(operator=Gain(1.0)))
    assert result.observed is not None
    np.testing.assert_allclose(result.observed[0, 0].numpy(), values / 255, atol=1e-6)
    plain = restore(values, recipe=quick(5), given=Given(operator=lambda x: x))
    assert plain.observed is not None
    np.testing.assert_array_equal(plain.observed[0, 0].numpy(), values)


def test_an_operator_that_keeps_constants_leaves_y_a_picture() -> None:
    """A dark picture is stretched as always, and clipped, under a blur; not under twice a blur."""
    dark = (0.01 * picture() + 0.002)[0, 0].numpy()
    kernel = torch.full((3, 3), 1 / 9)
    blurred = restore(dark, recipe=quick(5), given=Given(operator=Blur(kernel)))
    assert blurred.observed is not None
    assert float(blurred.observed.max()) == pytest.approx(1)
    twice = restore(dark, recipe=quick(5), given=Given(operator=Blur(2 * kernel)))
    assert twice.observed is not None
    assert float(twice.observed.max()) == pytest.approx(float(dark.max()))
    check_operator(Blur(kernel), (1, 1, 12, 12))
    liar = Gain(3.0)
    liar.keeps_constants = True
    with pytest.raises(AssertionError, match="constants: A 1 differs from 1 by 2"):
        check_operator(liar, (1, 1, 8, 8))


def test_a_small_measurement_is_one(scene: Scene) -> None:
    small = picture(4)[0, 0].numpy()
    result = restore(small, recipe=quick(3), given=Given(operator=Resample(4)))
    assert result.image is not None
    assert result.image.shape == (16, 16)
    with pytest.raises(InputError, match="image is 4x4; wanted at least 8x8"):
        restore(small, recipe=quick(3))
    with pytest.raises(InputError, match="restored image is 4x4"):
        restore(small, recipe=quick(3), given=Given(operator=Gain(1.0)))


def test_complex_arrays_are_named_pairs_of_channels() -> None:
    with pytest.raises(InputError, match=r"np\.stack"):
        restore(np.ones((8, 8), complex), recipe="denoise/fast")


def test_many_are_restored_one_by_one(scene: Scene) -> None:
    images = [scene(16, 20), scene(24, 16)]
    recipe = quick(4)
    many = restore_many(images, recipe=recipe, seed=3)
    alone = [restore(image, recipe=recipe, seed=3) for image in images]
    for one, other in zip(many, alone, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
    stack = np.stack([scene(16, 16), scene(16, 16)[::-1]])
    assert [r.image.shape for r in restore_many(stack, recipe=recipe)] == [(16, 16, 3)] * 2  # type: ignore[union-attr]
    with pytest.raises(InputError, match="image 1: sigma is -1"):
        restore_many(images, recipe=recipe, given=[Given(), Given(sigma=-1)])
    with pytest.raises(InputError, match="given has 1 entries for 2 images"):
        restore_many(images, recipe=recipe, given=[Given()])


def test_a_recipe_may_be_named(scene: Scene) -> None:
    image = scene(16, 16)
    with pytest.raises(InputError, match="did you mean 'fast'"):
        restore(image, recipe="fasst")
    with pytest.raises(InputError, match="wanted TASK/NAME, for example denoise/fast"):
        solve(Problem(observed=picture()), "fast")
    with pytest.raises(InputError, match="recipe is a int"):
        restore(image, recipe=3)  # type: ignore[arg-type]
    named = restore(image, recipe=with_settings("denoise/fast", {"max_steps": 3}))
    found = restore(image, recipe=with_settings(find_recipe("denoise", "fast"), {"max_steps": "3"}))
    np.testing.assert_array_equal(named.image, found.image)


# --- modules of one's own ------------------------------------------------------------------------


def tiny_network(in_channels: int, out_channels: int) -> nn.Module:
    """A factory that can be imported."""
    return nn.Sequential(nn.Conv2d(in_channels, 4, 3, padding=1), nn.ReLU(),
                         nn.Conv2d(4, out_channels, 1))  # fmt: skip


@pytest.mark.parametrize("kind", ["factory", "module", "name"])
def test_any_module_stands_as_network(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    network: Any = {
        "factory": tiny_network, "module": tiny_network(32, 1), "name": "test_problem:tiny_network",
    }[kind]  # fmt: skip
    before = torch.random.get_rng_state()
    recipe = with_settings(quick(5), {"network": network})
    problem = Problem(observed=picture())
    one, two, other = (solve(problem, recipe, seed=s) for s in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(one.estimate, two.estimate)
    assert not torch.equal(one.estimate, other.estimate)
    if kind == "name":
        again = decode(encode(recipe))
        assert torch.equal(solve(problem, again).estimate, one.estimate)
        with pytest.raises(InputError, match="network is 'test_problem:tiny_network'; wanted one"):
            with_settings(quick(5), {"network": network}, foreign=False)


def test_a_module_in_a_recipe_is_not_fitted_itself() -> None:
    module = tiny_network(32, 1)
    before = [p.detach().clone() for p in module.parameters()]
    solve(Problem(observed=picture()), replace(quick(3), network=module))
    assert all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere:Net", "cannot import 'nowhere'"),
        ("torch.nn:Linea", "did you mean 'Linear'"),
        ("math:pi", "is no NetworkSettings"),
        ("test_problem:quick", "makes Recipe|fails"),
    ],
)
def test_a_wrong_name_is_one_line(name: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    with pytest.raises(InputError, match=message) as caught:
        solve(Problem(observed=picture()), with_settings(quick(2), {"network": name}))
    assert "\n" not in str(caught.value)


def test_a_rule_of_ones_own_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    recipe = with_settings(quick(2), {"stopper": "untrained.fitting:FixedSteps"})
    assert recipe.stopper == FixedSteps()
    with pytest.raises(InputError, match="is no StopRule"):
        with_settings(quick(2), {"stopper": "torch.nn:Conv2d"})


# --- kept and loaded ------------------------------------------------------------------------------


def test_a_saved_iterate_is_drawn_again(tmp_path: Path) -> None:
    recipe = quick(40, stopper=HeldOut(fraction=0.1, patience=10), check_every=5)
    recipe = with_settings(recipe, {"precision": "float32"})
    result = solve(Problem(observed=picture()), recipe)
    result.save(tmp_path / "fit")
    fitted = load_fit(tmp_path / "fit")
    assert (fitted.kept, fitted.kept_step) == ("iterate", result.kept_step)
    torch.testing.assert_close(fitted.image(), result.estimate, atol=1e-5, rtol=0)
    assert fitted.recipe == recipe
    # weights and z go in again: the first steps are those of a fitted network
    again = solve(
        Problem(observed=picture()), recipe, seed=5,
        execution=Execution(weights=fitted.last_weights, z=fitted.z),
    )  # fmt: skip
    assert again.history.loss[0] < 0.2 * result.history.loss[0]
    assert again.z is not None
    assert torch.equal(again.z, fitted.z)


def test_the_weights_are_those_of_the_kept_step_not_of_the_last() -> None:
    """Kept at step 10 of 40: a fit of ten steps ends in the same weights."""

    recipe = with_settings(quick(40), {"precision": "float32", "jitter": 0.0})
    whole = solve(Problem(observed=picture()), replace(recipe, stopper=First()))
    short = solve(Problem(observed=picture()), replace(recipe, max_steps=10))
    assert whole.kept_step == 10
    assert whole.stop_step == 40
    for name, weight in short.last_weights.items():
        assert torch.equal(whole.weights[name], weight)
    assert any(not torch.equal(whole.last_weights[n], w) for n, w in whole.weights.items())


class First:
    """A rule that takes the first look for the best."""

    def start(self, **_: Any) -> Any:
        from untrained import Stopper, Verdict

        class Rule(Stopper):
            def check(self, look: Any) -> Verdict:
                return Verdict(improved=look.step == 10)

        return Rule()


def test_an_average_says_that_no_weights_draw_it(tmp_path: Path) -> None:
    recipe = replace(quick(30), average=find_recipe("denoise", "paper").average)
    result = solve(Problem(observed=picture()), recipe)
    fitted = load_fit(result.save(tmp_path))
    assert fitted.kept == "average"
    assert torch.equal(fitted.estimate, result.estimate)


def test_bad_folders_weights_and_codes_are_one_line(tmp_path: Path, scene: Scene) -> None:
    result = solve(Problem(observed=picture()), quick(3))
    with pytest.raises(InputError, match="no such file; wanted a folder that Result"):
        load_fit(tmp_path / "none")
    (result.save(tmp_path) / "fit.pt").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="cannot be read as a saved fit"):
        load_fit(tmp_path)
    other = solve(Problem(observed=picture(channels=3)), quick(3))
    with pytest.raises(InputError, match="weights are of another network"):
        solve(Problem(observed=picture()), quick(3), execution=Execution(weights=other.weights))
    with pytest.raises(InputError, match="z is 1x3x8x8; wanted 1x32x16x16"):
        solve(Problem(observed=picture()), quick(3), execution=Execution(z=torch.zeros(1, 3, 8, 8)))
    with pytest.raises(InputError, match="shows the network the picture itself"):
        restore(
            scene(16, 16), recipe=with_settings("denoise/fast", {"max_steps": 2}),
            execution=Execution(z=torch.zeros(1, 3, 16, 16)),
        )  # fmt: skip


def test_an_own_module_is_given_to_load(tmp_path: Path) -> None:
    class Local(nn.Module):
        def __init__(self, fed: int, channels: int) -> None:
            super().__init__()
            self.one = nn.Conv2d(fed, channels, 1)

        def forward(self, z: Tensor) -> Tensor:
            return self.one(z)  # type: ignore[no-any-return]

    result = solve(Problem(observed=picture()), with_settings(quick(3), {"network": Local}))
    result.save(tmp_path)
    with pytest.raises(InputError, match="pass network="):
        load_fit(tmp_path)
    fitted = load_fit(tmp_path, network=Local)
    assert isinstance(fitted.network, Local)
