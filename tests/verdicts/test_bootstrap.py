"""How far thresholds move: over draws of twin groups."""

from dataclasses import replace

import numpy as np

from steelsight.verdicts.bootstrap import redraw_thresholds
from steelsight.verdicts.choose_policy import choose_policy
from steelsight.verdicts.evaluated import EvaluationSet as Images
from steelsight.verdicts.policy import Costs, Limits
from steelsight.verdicts.text import stability_text


def images(groups: int, seed: int = 0, twins: int = 1) -> Images:
    rng = np.random.default_rng(seed)
    defective = np.arange(groups) % 2 == 0
    logit = rng.normal(np.where(defective, 2.0, -2.0), 1.5)
    p = np.repeat(1 / (1 + np.exp(-logit)), twins)
    count = groups * twins
    return Images(
        kind="own",
        classes=("1",),
        image_ids=tuple(map(str, range(count))),
        folds=np.zeros(count, np.int64),
        groups=np.repeat(np.arange(groups), twins),
        sizes=np.full((count, 2), 64),
        p_defect=p,
        truth=np.repeat(defective, twins).astype(np.int64)[:, None] * 9,
        regions=((),) * count,
    )


def test_more_groups_leave_less_room_and_the_threshold_lies_within() -> None:
    widths = []
    for groups in (300, 3000):
        tested = images(groups)
        policy = choose_policy(tested, Limits(), None)
        moves = policy.stability.pass_at
        assert moves.low <= policy.pass_at <= moves.high
        assert policy.stability == redraw_thresholds(tested, Limits(), None)
        widths.append(moves.high - moves.low)
    assert widths[1] < widths[0]


def test_twins_do_not_count_as_more_groups() -> None:
    one, many = (redraw_thresholds(images(200, twins=twins), Limits(), None) for twins in (1, 4))
    assert one == many


def test_draws_without_a_threshold_are_counted() -> None:
    few = redraw_thresholds(images(118), Limits(), None)  # 59 of each kind: a draw has as many only half of the time
    assert 0.2 < few.pass_at.absent < 0.8
    none = choose_policy(images(20), Limits(), None)
    assert none.stability.pass_at.absent == 1
    assert none.stability.pass_at.low is None
    assert "no draw has a pass threshold; no draw has a reject threshold" in stability_text(none)


def test_costs_move_too() -> None:
    wish = Limits(max_escape=None, max_overkill=None, defect_share=0.5, costs=Costs(escape=100, review=1, overkill=10))
    policy = choose_policy(images(400), wish, None)
    assert policy.stability.pass_at.low <= policy.pass_at <= policy.stability.pass_at.high


def test_draws_take_what_is_unusual_along() -> None:
    wish = Limits(max_escape=None, max_overkill=None, defect_share=0.5, costs=Costs(escape=100, review=1, overkill=10))
    tested = images(60)
    every = np.concatenate([np.arange(60), np.arange(40)])  # forty surfaces have a second photograph
    twice = replace(tested.only(every), groups=every, flags=tuple(("size",) if at < 6 else () for at in every.tolist()))
    moves = redraw_thresholds(twice, wish, None).pass_at
    assert moves.low is not None
    flagged = replace(twice, flags=(("size",),) * 100)  # nothing can be saved where a person sees them all
    none = redraw_thresholds(flagged, wish, None)
    assert none.pass_at.absent == 1
