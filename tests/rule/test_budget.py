"""Sharing a budget out, against trying every way."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.rule.budget import share_out


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(0, 5))
def test_no_way_to_share_gains_more(seed: int, classes: int, budget: int) -> None:
    rng = np.random.default_rng(seed)
    fronts = [np.maximum.accumulate(rng.integers(0, 4, (3, budget + 1)) / 2, axis=1) for _ in range(classes)]
    budgets = rng.integers(0, budget + 1, 3)
    total, spent = share_out(fronts, budgets=budgets)
    for row in range(3):
        best = max(
            sum(front[row, share] for front, share in zip(fronts, shares, strict=True))
            for shares in product(range(budget + 1), repeat=classes)
            if sum(shares) <= budgets[row]
        )
        assert total[row] == pytest.approx(best)
        assert spent[:, row].sum() <= budgets[row]
        assert sum(front[row, share] for front, share in zip(fronts, spent[:, row], strict=True)) == pytest.approx(best)
