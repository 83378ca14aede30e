"""What a fit of a measurement costs: matrices, coils, and the time of the whole."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from untrained.fitting import Adam
from untrained.networks import ConvDecoder
from untrained.objectives import DataFit, Problem
from untrained.operators import LinearOperator
from untrained.recipes import Recipe
from untrained.restoring import predict_memory, timed_from
from untrained.restoring.planner import make_plan

CPU = torch.device("cpu")


class Rows(LinearOperator):
    """A x = M x of all pixels, M (m, n): one row of m numbers, (1, 1, 1, m)."""

    def __init__(self, matrix: Tensor, side: int) -> None:
        super().__init__()
        self.register_buffer("matrix", matrix)
        self.side = side

    def image_shape(
        self, measurement_shape: tuple[int, int, int, int]
    ) -> tuple[int, int, int, int]:
        return (1, 1, self.side, self.side)

    def forward(self, image: Tensor) -> Tensor:
        return (self.matrix @ image.flatten())[None, None, None]


def recipe(max_steps: int = 400) -> Recipe:
    return Recipe(
        name="small", title="for tests", task="sensing", source="none", max_steps=max_steps,
        network=ConvDecoder(width=8, layers=3), objective=DataFit(), optimizer=Adam(lr=0.01),
    )  # fmt: skip


def problem(matrix: Tensor, side: int = 16) -> Problem:
    return Problem(observed=torch.rand(1, 1, 1, len(matrix)), operator=Rows(matrix, side))


def test_what_the_operator_holds_is_counted() -> None:
    small, large = problem(torch.rand(8, 256)), problem(torch.rand(8000, 256))
    grown = predict_memory(recipe(), large) - predict_memory(recipe(), small)
    assert grown >= 2 * 4 * (8000 - 8) * 256
    sparse = torch.eye(256).to_sparse_csr()
    assert predict_memory(recipe(), problem(sparse)) < predict_memory(recipe(), large)


def test_a_measurement_is_timed_as_a_whole_if_that_is_little_of_the_fit() -> None:
    short = make_plan(recipe(20), problem(torch.rand(40, 256)), CPU)
    assert short.seconds is None
    with timed_from(math.inf):
        assert make_plan(recipe(400), problem(torch.rand(40, 256)), CPU).seconds is None
    long = make_plan(recipe(400), problem(torch.rand(40, 256)), CPU)
    assert long.tiles == 1
    assert long.seconds is not None
    assert long.seconds > 0
    assert make_plan(recipe(20), problem(torch.rand(40, 256)), CPU).seconds, "it is known now"
