"""The published recipe of MRI: the authors' network, and data consistency at the end."""

import torch
from torch import Generator, Tensor

from untrained.networks import ConvDecoder, for_image, summarize
from untrained.objectives import Problem
from untrained.operators import Coils, Fourier, Identity, Mask
from untrained.recipes import find_recipe

PAPER = find_recipe("mri", "paper")


def test_the_network_is_that_of_the_authors_notebook() -> None:
    summary = summarize(PAPER.network, in_channels=160, out_channels=30, height=640, width=368)
    assert summary.parameters == 1_850_560
    assert isinstance(PAPER.network, ConvDecoder)
    sized = for_image(PAPER.network, 640, 368)
    sizes = [tuple(sized.size_after(i, (8, 4))) for i in range(1, 8)]
    assert sizes == [(15, 8), (28, 15), (53, 28), (98, 53), (183, 102), (343, 193), (640, 368)]
    shapes = [layer.shape for layer in summary.layers]
    assert shapes[-1] == (1, 30, 640, 368)


def test_a_network_of_a_given_z_has_the_size_of_the_image() -> None:
    for size in ((40, 33), (64, 64), (9, 50)):
        settings = for_image(ConvDecoder(width=4, layers=4, in_size=(3, 2), bias=False), *size)
        network = settings.build(4, 2, generator=Generator().manual_seed(0))
        assert network(torch.rand(1, 4, *settings.input_size(*size))).shape == (1, 2, *size)
    plain = ConvDecoder(width=4, layers=4)
    assert for_image(plain, 40, 33) is plain


def test_the_final_image_has_the_measurement() -> None:
    def random(seed: int) -> Tensor:
        return torch.randn(1, 6, 8, 12, generator=Generator().manual_seed(seed))

    mask = (random(1)[:, :1] > 0).float()
    operator = Mask(mask) @ Fourier()
    y = operator(random(2))
    problem = Problem(observed=y, operator=operator, known=mask, exact_known=True)
    estimate = random(3)
    image = problem.finish(estimate)
    torch.testing.assert_close(operator(image), y)
    missing = (1 - mask) * Fourier()(image - estimate)
    torch.testing.assert_close(missing, torch.zeros_like(y), rtol=0, atol=1e-6)


def test_what_projects_is_told_from_what_does_not() -> None:
    mask = Mask(torch.ones(1, 1, 8, 8))
    maps = torch.ones(2, 8, 8, dtype=torch.complex64)
    assert (mask @ Fourier()).projects
    assert not (mask @ Fourier()).unitary
    assert (Fourier() @ Fourier((-1,))).unitary
    assert (mask @ Identity()).projects
    assert not (mask @ Fourier() @ mask).projects
    assert not (mask @ Fourier() @ Coils(maps)).projects
