import pytest
import torch

from untrained.errors import InputError
from untrained.operators import as_complex, as_pairs


def test_pairs_and_complex_numbers_are_each_other() -> None:
    values = torch.randn(2, 3, 4, 5, dtype=torch.complex64)
    pairs = as_pairs(values)
    assert pairs.shape == (2, 6, 4, 5)
    assert torch.equal(pairs[:, 2], values[:, 1].real)
    assert torch.equal(pairs[:, 3], values[:, 1].imag)
    assert torch.equal(as_complex(pairs), values)


def test_an_odd_number_of_channels_is_refused() -> None:
    with pytest.raises(InputError, match="pairs"):
        as_complex(torch.zeros(1, 3, 4, 4))
