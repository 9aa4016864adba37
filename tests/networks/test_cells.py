"""The classifier with cells: what it returns, how cells become a verdict, and that it starts as its prior says."""

import pytest
import torch
from helpers.training_samples import member
from hypothesis import given
from hypothesis import strategies as st

from steelsight.networks.cells import CELL, CellClassifier, _pooled
from steelsight.networks.member import build_member


def test_cells_in_training_and_the_images_alone_in_use() -> None:
    model = CellClassifier("lite0", 1, 3, 0.0, 0.0)
    pixels = torch.rand(2, 1, 64, 96)
    logits, cells = model.train()(pixels)
    assert logits.shape == (2,)
    assert cells.shape == (2, 3, 64 // CELL, 96 // CELL)
    assert model.eval()(pixels).shape == (2,)


@pytest.mark.parametrize("prior", [0.5, 0.1])
def test_a_fresh_network_says_its_prior(prior: float) -> None:
    of = member("classify-lite0", "members.*.weights=random", f"members.classify-lite0.prior={prior}")
    said = build_member(of, 4).eval()(torch.rand(3, of.preprocess.channels, 64, 64)).sigmoid()
    assert torch.allclose(said, torch.full((3,), prior), atol=0.03)


@given(seed=st.integers(0, 1000))
def test_the_pool_lies_between_mean_and_greatest_cell(seed: int) -> None:
    cells = 3 * torch.randn(2, 2, 4, 5, generator=torch.Generator().manual_seed(seed))
    flat = cells.flatten(1)
    assert (_pooled(cells) <= flat.amax(1) + 1e-5).all()
    assert (_pooled(cells) >= flat.mean(1) - 1e-5).all()


def test_one_suspicious_cell_is_not_averaged_away() -> None:
    cells = torch.full((1, 4, 36, 28), -6.0)
    quiet = _pooled(cells)
    cells[0, 2, 3, 4] = 4.0
    assert _pooled(cells) - quiet > 7


def test_gradient_reaches_every_weight() -> None:
    model = CellClassifier("lite0", 1, 2, 0.0, 0.0).train()
    logits, cells = model(torch.rand(4, 1, 64, 64))
    (logits.sum() + cells.pow(2).sum()).backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []
