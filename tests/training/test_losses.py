"""The losses against their formulas and against other people's code."""

import pytest
import torch
from helpers.training_samples import member
from hypothesis import example, given
from hypothesis import strategies as st
from torchvision.ops import sigmoid_focal_loss

from steelsight.recipe.model import Loss
from steelsight.training import losses as module
from steelsight.training.losses import dice_loss, focal_loss, smoothed_cross_entropy, weighted_loss


def batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 2, 8, 8, generator=generator)
    target = (torch.rand(3, 2, 8, 8, generator=generator) > 0.7).float()
    target[0, 1] = 0
    return logits, target


@given(alpha=st.floats(0, 1), gamma=st.floats(0, 4), seed=st.integers(0, 99))
def test_focal_loss_equals_torchvision(alpha: float, gamma: float, seed: int) -> None:
    logits, target = batch(seed)
    ours = focal_loss(logits, target, alpha, gamma)
    assert float(ours) == pytest.approx(
        float(sigmoid_focal_loss(logits, target, alpha, gamma, "mean")), rel=1e-4, abs=1e-6
    )


@given(gamma=st.floats(0, 4), logit=st.floats(-200, 200), target=st.sampled_from([0.0, 0.25, 1.0]))
@example(gamma=0.5, logit=20.0, target=1.0)
@example(gamma=0.01, logit=-200.0, target=0.0)
def test_focal_loss_has_a_gradient_where_a_probability_is_0_or_1(gamma: float, logit: float, target: float) -> None:
    """It had none for a gamma between 0 and 1: the slope of a root is infinite at 0."""
    logits = torch.tensor([logit], requires_grad=True)
    focal_loss(logits, torch.tensor([target]), 0.25, gamma).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_a_soft_pixel_counts_as_part_defect_and_part_none() -> None:
    logits, target = torch.tensor([0.3, -2.0]), torch.tensor([0.25, 0.9])
    p = logits.sigmoid()
    none = (1 - target) * (1 - 0.25) * p**2 * -torch.log(1 - p)
    assert float(focal_loss(logits, target, 0.25, 2.0)) == pytest.approx(
        float((target * 0.25 * (1 - p) ** 2 * -torch.log(p) + none).mean()), rel=1e-5
    )


def test_a_class_that_the_batch_lacks_is_pushed_to_nothing_by_a_smooth_of_1_and_hardly_by_the_reference_s() -> None:
    """Of nearly empty maps: 800 pixels at .001."""
    pushed = []
    for smooth in (1.0, 1e-5):
        probability = torch.full((1, 1, 20, 40), 1e-3, requires_grad=True)
        dice_loss(probability, torch.zeros(1, 1, 20, 40), "class", smooth).backward()
        assert probability.grad is not None
        pushed.append(float(probability.grad.sum()))
    assert pushed[0] > 200
    assert pushed[1] < 0.02


def test_paper_has_the_reference_s_smooths_and_epsilons() -> None:
    phases = {name: member(name, recipe="paper").phases for name in ("segment-b0-strategy-1", "segment-b0-strategy-2")}
    one, (two, three) = phases["segment-b0-strategy-1"][0], phases["segment-b0-strategy-2"]
    assert [(of.loss.dice_over, of.loss.dice_smooth) for of in (one, two, three)] == [
        ("batch", 1.0),
        ("class", 1e-5),
        ("batch", 1.0),
    ]
    assert {of.optimiser.epsilon for of in (one, two, three)} == {1e-7}
    assert member("classify-b0", recipe="paper").phases[0].optimiser.epsilon == 1e-7


def test_dice_pools_what_it_says() -> None:
    logits, target = batch()
    p = logits.sigmoid()

    def dice(a: torch.Tensor, b: torch.Tensor) -> float:
        return float((2 * (a * b).sum() + 1) / (a.sum() + b.sum() + 1))

    assert float(dice_loss(p, target, "batch", 1.0)) == pytest.approx(1 - dice(p, target), rel=1e-5)
    by_class = [dice(p[:, c], target[:, c]) for c in range(2)]
    assert float(dice_loss(p, target, "class", 1.0)) == pytest.approx(1 - sum(by_class) / 2, rel=1e-5)
    pairs = [dice(p[i, c], target[i, c]) for i in range(3) for c in range(2) if target[i, c].any()]
    assert len(pairs) == 5
    assert float(dice_loss(p, target, "pair", 1.0)) == pytest.approx(1 - sum(pairs) / 5, rel=1e-5)


def test_a_batch_without_defects_has_no_pair_dice_and_a_finite_gradient() -> None:
    logits = torch.randn(2, 2, 4, 4, requires_grad=True)
    loss = weighted_loss(Loss(cross_entropy=1, dice=1, dice_over="pair"), logits, torch.zeros(2, 2, 4, 4))
    loss.backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_label_smoothing_has_its_minimum_at_the_smoothed_target() -> None:
    probability = torch.linspace(0.01, 0.99, 99)
    losses = [float(smoothed_cross_entropy(torch.logit(p)[None], torch.ones(1), 0.05)) for p in probability]
    assert probability[losses.index(min(losses))] == pytest.approx(0.975, abs=0.011)


def test_terms_add_up() -> None:
    logits, target = batch()
    parts = [Loss(cross_entropy=2), Loss(focal=3), Loss(dice=0.5)]
    whole = Loss(cross_entropy=2, focal=3, dice=0.5)
    total = sum(float(weighted_loss(part, logits, target)) for part in parts)
    assert float(weighted_loss(whole, logits, target)) == pytest.approx(total, rel=1e-5)


def test_cells_add_their_own_term_to_that_of_the_images() -> None:
    cells, truth = batch()
    images, labels = cells[:, 0, 0, 0], truth[:, 0, 0, 0]
    told = weighted_loss(Loss(cross_entropy=1, cells=0.5), (images, cells), (labels, truth))
    alone = weighted_loss(Loss(cross_entropy=1), images, labels)
    own = smoothed_cross_entropy(cells, truth) + dice_loss(cells.sigmoid(), truth, "class", 1.0)
    assert float(told) == pytest.approx(float(alone + 0.5 * own), rel=1e-5)
    assert float(weighted_loss(Loss(cross_entropy=1), (images, cells), (labels, truth))) == pytest.approx(float(alone))


@pytest.mark.parametrize("name", ["cross_entropy", "focal", "batch", "class", "pair"])
def test_what_is_ignored_takes_no_part_in_any_loss(name: str) -> None:
    """The loss is that of the pixels which are left, and no gradient reaches the others."""
    logits, target = batch()
    ignored = torch.rand(target.shape[0], 1, *target.shape[2:], generator=torch.Generator().manual_seed(7)) > 0.6
    ignored = ignored.expand_as(target)
    ignored_target = torch.where(ignored, torch.tensor(-1.0), target)
    of = {"cross_entropy": 0.0, "focal": 0.0, "dice": 0.0, "label_smoothing": 0.1, "dice_smooth": 1.0}
    kind = {"dice": 1.0, "dice_over": name} if name in ("batch", "class", "pair") else {name: 1.0}
    loss = Loss(**{**of, **kind})
    logits.requires_grad_()
    said = weighted_loss(loss, logits, ignored_target)
    (gradient,) = torch.autograd.grad(said, logits)
    assert not gradient[ignored].any()
    assert gradient[~ignored].any()
    p, left = logits.detach().sigmoid(), ~ignored
    if name == "cross_entropy":
        smoothed = target[left] * 0.9 + 0.05
        expected = -(smoothed * p[left].log() + (1 - smoothed) * (1 - p[left]).log()).mean()
    elif name == "focal":
        expected = sigmoid_focal_loss(logits[left], target[left], loss.focal_alpha, loss.focal_gamma, "mean")
    else:
        axes = {"batch": (0, 1, 2, 3), "class": (0, 2, 3), "pair": (2, 3)}[name]
        inside, true = p * left, target * left
        dice = (2 * (inside * true).sum(axes) + 1) / (inside.sum(axes) + true.sum(axes) + 1)
        expected = 1 - (dice[true.sum(axes) > 0] if name == "pair" else dice).mean()
    assert float(said.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_a_batch_in_which_all_is_ignored_teaches_nothing() -> None:
    logits = torch.randn(2, 2, 4, 4, requires_grad=True)
    loss = weighted_loss(Loss(cross_entropy=1.0, focal=1.0, dice=1.0), logits, torch.full_like(logits, -1.0))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert torch.isfinite(loss)
    assert not gradient.any()


def test_a_device_that_is_not_asked_gives_the_same_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU nobody looks whether all pixels count, so as not to wait for the answer."""
    logits, target = batch()
    for truth in (target, torch.where(target > 0.9, -1.0, target)):
        for loss in (Loss(cross_entropy=1.0, dice=1.0), Loss(focal=1.0, dice=1.0, dice_over="pair")):
            here = weighted_loss(loss, logits, truth)
            with monkeypatch.context() as elsewhere:
                elsewhere.setattr(module, "_in_main_memory", lambda tensor: False)
                assert float(weighted_loss(loss, logits, truth)) == pytest.approx(float(here), rel=1e-5)
