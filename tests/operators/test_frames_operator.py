"""Series: a frame's operator on every frame."""

import pytest
import torch

from untrained.errors import InputError
from untrained.operators import Blur, Frames, Identity, Mask, RealImage, Resample, check_operator


def test_frames_keep_the_laws_of_an_operator() -> None:
    kernel = torch.rand(3, 3)
    blur = Blur(kernel / kernel.sum())
    check_operator(Frames(blur, 3), (2, 6, 8, 10))
    check_operator(Frames(Identity() @ RealImage(), 4), (1, 4, 8, 6))
    known = (torch.rand(1, 1, 24, 10) > 0.5).float()
    check_operator(Mask(known) @ Frames(blur, 3), (1, 6, 8, 10))


def test_a_frame_is_measured_as_if_it_were_alone_and_stands_below_the_one_before() -> None:
    one = Resample(2)
    image = torch.rand(1, 3 * 2, 16, 16)
    measured = Frames(one, 3)(image)
    assert measured.shape == (1, 2, 3 * 8, 8)
    for t in range(3):
        alone = one(image[:, 2 * t : 2 * t + 2])
        assert torch.equal(measured[:, :, 8 * t : 8 * t + 8], alone)
    assert Frames(one, 3).image_shape((1, 2, 24, 8)) == (1, 6, 16, 16)


def test_the_gram_of_frames_weighs_every_place_of_every_frame() -> None:
    kernel = torch.rand(3, 3)
    operator = Frames(Blur(kernel / kernel.sum()), 3)
    weight, image = torch.rand(1, 1, 24, 10), torch.rand(1, 6, 8, 10)
    expected = operator.adjoint(weight * operator(image))
    assert torch.allclose(operator.gram(image, weight), expected, atol=1e-6)


def test_a_real_image_has_no_imaginary_part() -> None:
    image = torch.rand(1, 2, 4, 4)
    pairs = RealImage()(image)
    assert torch.equal(pairs[:, ::2], image)
    assert not pairs[:, 1::2].any()


def test_rows_that_are_no_frames_are_refused() -> None:
    with pytest.raises(InputError, match="25 rows are no 3 frames"):
        Frames(Identity(), 3).image_shape((1, 1, 25, 8))
    with pytest.raises(InputError, match="count is 0"):
        Frames(Identity(), 0)
