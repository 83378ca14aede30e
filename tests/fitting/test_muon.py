"""Muon's step: kernels by orthogonalised momentum, all of a size at once; vectors by Adam."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from untrained.fitting import Muon

SHAPES = [(8, 4, 3, 3), (4, 12), (8, 5, 1, 1), (16, 4, 1, 1), (8, 2, 3, 3), (8,), (4,), (1,), ()]


def drawn(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.randn(shape, generator=Generator().manual_seed(seed))


def stepped(shapes: list[tuple[int, ...]], steps: int = 3) -> list[Tensor]:
    """Return parameters of these shapes after some steps along gradients of their own."""
    parameters = [nn.Parameter(torch.zeros(shape)) for shape in shapes]
    optimizer = Muon(lr=0.1, momentum=0.5, vector_lr=0.01).build(parameters)
    for step in range(steps):
        for p in parameters:
            p.grad = drawn(tuple(p.shape), 100 * step + p.numel())
        optimizer.step()
    return [p.detach() for p in parameters]


def test_a_kernel_moves_by_a_matrix_with_singular_values_near_one() -> None:
    for shape in SHAPES[:5]:
        (moved,) = stepped([shape], steps=1)
        rows = shape[0]
        update = -moved.reshape(rows, -1).double() / 0.1
        columns = update.shape[1]
        update /= max(1.0, rows / columns) ** 0.5
        gradient = drawn(shape, moved.numel()).reshape(rows, -1).double()
        u, _, vh = torch.linalg.svd(gradient, full_matrices=False)
        turned = u.T @ update @ vh.T  # in the gradient's own directions: almost the identity
        values = turned.diagonal()
        assert (turned - values.diag()).abs().max() < 1e-4
        assert 0.6 < float(values.min()) <= float(values.max()) < 1.3


def test_kernels_move_together_as_they_do_alone() -> None:
    together = stepped(SHAPES)
    for shape, moved in zip(SHAPES, together, strict=True):
        torch.testing.assert_close(moved, stepped([shape])[0], rtol=0, atol=1e-6)


def test_vectors_are_left_to_adam() -> None:
    (ours,) = stepped([(8,)], steps=5)
    p = nn.Parameter(torch.zeros(8))
    adam = torch.optim.Adam([p], lr=0.01)
    for step in range(5):
        p.grad = drawn((8,), 100 * step + 8)
        adam.step()
    torch.testing.assert_close(ours, p.detach())


def test_what_has_no_gradient_stays() -> None:
    used, unused = nn.Parameter(torch.ones(3, 4)), nn.Parameter(torch.ones(3, 4))
    bias = nn.Parameter(torch.ones(2))
    optimizer = Muon().build([used, unused, bias])
    optimizer.step()
    used.grad = torch.rand(3, 4)
    optimizer.step()
    assert torch.equal(unused, torch.ones(3, 4))
    assert torch.equal(bias, torch.ones(2))
    assert not torch.equal(used, torch.ones(3, 4))
    assert len(optimizer.state_dict()["state"]) == 1
