"""How long a fit will take: never less than in proportion, and what fits took counts most."""

from pathlib import Path

import numpy as np
import pytest
import torch

from untrained import Problem, find_recipe, with_settings
from untrained.fitting.callbacks.progress import format_between
from untrained.images import Picture
from untrained.restoring import make_plan, plan_picture, timed_from
from untrained.restoring.paces import Pace, learn_pace, pace_of, step_ratio

CPU = torch.device("cpu")
RECIPE = with_settings(find_recipe("denoise", "fast"), {"max_steps": 100, "network.widths": (8, 8)})


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNTRAINED_CACHE", str(tmp_path))


def test_beyond_the_largest_crop_time_grows_with_the_pixels() -> None:
    """Noise may make the smaller crop as slow as the larger: a line through them would be flat."""
    noisy = Pace(crops=((128**2, 0.036), (256**2, 0.0355)))
    at_tile = noisy.seconds(1024**2, 100)
    assert at_tile is not None
    assert at_tile[0] == pytest.approx(100 * 0.0355 * 16)
    assert at_tile[1] < at_tile[0] < at_tile[2]
    below = noisy.seconds(32**2, 100)
    assert below is not None
    assert below[0] == pytest.approx(100 * 0.036), "a step has an overhead"


def test_what_follows_the_steps_is_counted() -> None:
    plain, refined = (Pace(crops=((100, 0.01),), after=after) for after in (0.0, 0.5))
    assert refined.seconds(200, 10)[0] == pytest.approx(plain.seconds(200, 10)[0] + 100)  # type: ignore[index]


def test_a_fit_that_ended_corrects_what_was_timed() -> None:
    problem = Problem(observed=torch.rand(1, 3, 64, 64))
    assert make_plan(RECIPE, problem, CPU).between is None
    plan = make_plan(RECIPE, problem, CPU)
    learn_pace(RECIPE, problem, CPU, plan=plan, steps=50, seconds=10.0)
    four_times = Problem(observed=torch.rand(1, 3, 128, 128))
    told = make_plan(RECIPE, four_times, CPU)
    assert told.seconds == pytest.approx(step_ratio(128**2, 64**2) * 0.2 * 100)
    assert (plan.share, told.share) == (1.0, 0.5)
    learn_pace(RECIPE, problem, CPU, plan=plan, steps=5, seconds=99.0)
    assert make_plan(RECIPE, four_times, CPU).seconds == told.seconds, "too short to learn from"
    gray = Problem(observed=torch.rand(1, 1, 128, 128))
    assert make_plan(RECIPE, gray, CPU).seconds is None, "another kind of fit"


def test_from_one_size_to_another_it_goes_by_a_line() -> None:
    """A step on a small picture is mostly the calls that it makes: 10 ms and 1 us a pixel here."""
    line = {side: 0.01 + 1e-6 * side**2 for side in (32, 64, 128, 256, 512)}
    fits = Pace(runs=tuple((side**2, line[side], 1.0) for side in (64, 256)))
    crops = Pace(crops=tuple((side**2, line[side]) for side in (64, 256)), runs=fits.runs[:1])
    for pace in (fits, crops):
        for side, step in line.items():
            told = pace.seconds(side**2, 100)
            assert told is not None
            assert told[0] == pytest.approx(100 * step, rel=1e-6)
    alone = Pace(runs=fits.runs[:1]).seconds(32**2, 100)  # of one size less is known
    assert alone is not None
    assert 100 * line[32] / 2 < alone[0] < 100 * line[64]
    noisy = Pace(runs=((64**2, 0.02, 1.0), (256**2, 0.02, 1.0))).seconds(512**2, 100)
    assert noisy is not None
    assert noisy[0] > 2 * 100 * 0.02, "no noise makes large pictures free"


def test_a_dry_run_times_what_no_fit_of_the_size_has_told() -> None:
    small, large = (Problem(observed=torch.rand(1, 3, side, side)) for side in (64, 160))
    plan = make_plan(RECIPE, small, CPU)
    learn_pace(RECIPE, small, CPU, plan=plan, steps=50, seconds=10.0)
    with timed_from(0):
        assert pace_of(RECIPE, small, CPU).crops == ()
        assert [pixels for pixels, _ in pace_of(RECIPE, large, CPU).crops] == [128**2]
        assert len(pace_of(RECIPE, large, CPU).runs) == 1


def test_only_the_latest_fits_are_kept_and_the_file_may_be_damaged(tmp_path: Path) -> None:
    problem = Problem(observed=torch.rand(1, 3, 64, 64))
    plan = make_plan(RECIPE, problem, CPU)
    for _ in range(12):
        learn_pace(RECIPE, problem, CPU, plan=plan, steps=50, seconds=10.0)
    assert len(pace_of(RECIPE, problem, CPU).runs) == 8
    (tmp_path / "paces.json").write_text('{"x": {"crops": 3}}')
    assert pace_of(RECIPE, problem, CPU) == Pace()


def test_a_large_picture_is_planned_by_its_size_and_the_noise_of_its_middle() -> None:
    rng = np.random.default_rng(0)
    noisy = rng.normal(128, 20, (700, 900, 3)).clip(0, 255).astype(np.uint8)
    with timed_from(float("inf")):
        plan = plan_picture(Picture.from_array(noisy), recipe=RECIPE)
        assert plan.size == (700, 900, 3)
        assert plan.max_steps == 100
        huge = np.broadcast_to(noisy[:1, :1], (6000, 4000, 3))
        flat = plan_picture(Picture.from_array(huge), recipe=RECIPE)
    assert flat.tiles > 20
    assert flat.pixels < 1100**2


@pytest.mark.parametrize(
    ("between", "text"),
    [((0.2, 0.7), "about 1 to 2 s"), ((30, 100), "about 30 to 100 s"),
     ((90, 480), "about 1.5 to 8.0 min"), ((4000, 50000), "about 1 to 14 h")],
)  # fmt: skip
def test_a_time_is_told_with_two_digits(between: tuple[float, float], text: str) -> None:
    assert format_between(*between) == text
