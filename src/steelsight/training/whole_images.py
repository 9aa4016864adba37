"""Images of which only their classes are known, for classifiers that learn from windows or cells.

A window of such an image may not show the defect, and no cell can be said to, so the image is seen whole, as at inference:
all its cells are pooled to one logit, close to the most suspicious cell, and that is held against the label
(multiple-instance learning; Dietterich et al. 1997, with the pooling of Pinheiro and Collobert 2015). As many good images are
seen whole beside them, or being whole would tell a defect.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from steelsight.dataset.model import Sample
from steelsight.recipe import Member
from steelsight.training.loading import Item, Raw, TrainingImages

_PLACES = 1 << 24
"""Places in the epoch, on which an augmentation depends, from here on are those of whole images."""


def sees_whole(member: Member) -> bool:
    """Whether a member's training inputs are whole images with a label of the whole alone."""
    return member.step == "classify" and member.head == "pooled" and member.augment.crop is None


def as_seen_whole(member: Member) -> Member:
    """The member as it loads an image whole, with flips and light as in its windows; good ones stay good, of which there are
    as many as labelled ones."""
    augment = member.augment.model_copy(update={"crop": None, "paste": None})
    return member.model_copy(update={"augment": augment, "head": "pooled"})


def whole_batch(member: Member) -> int:
    """Whole images of one forward pass: an even number, with no more pixels than a device batch of windows, but two at least.

    Half of them are good.
    """
    window, whole = member.training_preprocess, member.preprocess
    size = member.sampling.pass_batch
    fitting = size * window.height * window.width // (whole.height * whole.width)
    return max(2, fitting // 2 * 2)


@dataclass(frozen=True)
class Batch:
    """One forward pass of an epoch.

    Attributes:
        items: places in the samples of the windows, and behind these in those that are seen whole.
        is_whole: of whole images.
    """

    items: list[Item]
    is_whole: bool = False


@dataclass(frozen=True)
class SeenWhole:
    """What is seen whole in a training.

    Attributes:
        labelled: images that are known to show a defect, and not where.
        good: images without a defect.
    """

    labelled: Sequence[Sample] = ()
    good: Sequence[Sample] = ()

    @property
    def samples(self) -> tuple[Sample, ...]:
        return (*self.labelled, *self.good)

    def __bool__(self) -> bool:
        return bool(self.labelled and self.good)


def whole_batches(known: SeenWhole, member: Member, windows: int) -> int:
    """How many batches of whole images an epoch of so many windows holds: every labelled image once, but in all no more
    images than windows."""
    if not known:
        return 0
    half = whole_batch(member) // 2
    return min(max(1, windows // (2 * half)), -(-len(known.labelled) // half))


def with_whole_images(
    windows: Sequence[list[Item]],
    known: SeenWhole,
    member: Member,
    epoch: int,
    random: np.random.Generator,
    *,
    rank: int = 0,
    world: int = 1,
    per_step: int = 1,
    behind: int = 0,
) -> list[Batch]:
    """An epoch's batches of windows, with whole images among them, as many good as labelled ones, spread over its steps.

    Args:
        windows: the device batches of this device, as many of each step as `per_step`.
        epoch: for the augmentation of each.
        random: the same on every device.
        rank, world: number of this device, and how many there are.
        behind: how many samples windows are cut from; those seen whole are counted on from there.
    """
    plain = [Batch(items) for items in windows]
    if not known or not windows:
        return plain
    half = whole_batch(member) // 2
    batches = -(-whole_batches(known, member, len(windows) * len(windows[0]) * world) // world) * world
    labelled = _drawn(len(known.labelled), batches * half, random)
    good = len(known.labelled) + _drawn(len(known.good), batches * half, random)
    whole: list[Batch] = []
    for number in range(rank, batches, world):
        part = slice(number * half, (number + 1) * half)
        chosen = [*labelled[part].tolist(), *good[part].tolist()]
        places = range(_PLACES + number * 2 * half, _PLACES + (number + 1) * 2 * half)
        items = [(behind + one, epoch, place) for one, place in zip(chosen, places, strict=True)]
        whole.append(Batch(items, is_whole=True))
    steps = len(plain) // per_step
    before = np.array_split(np.arange(len(whole)), max(1, steps))
    mixed: list[Batch] = []
    for step, of_step in enumerate(before):  # before the windows of a step, the last of which ends it
        mixed += [whole[index] for index in of_step.tolist()]
        mixed += plain[step * per_step : (step + 1) * per_step]
    return mixed + plain[len(before) * per_step :]


def _drawn(count: int, wanted: int, random: np.random.Generator) -> NDArray[np.int64]:
    """So many of `count`, each as often as any other to within one."""
    rounds = [random.permutation(count) for _ in range(-(-wanted // count))]
    return np.concatenate(rounds)[:wanted].astype(np.int64)


@dataclass(frozen=True)
class MixedImages(Dataset[Raw]):
    """Windows, and behind them images that are seen whole."""

    windows: TrainingImages
    whole: TrainingImages

    def __getitem__(self, item: Item) -> Raw:
        index, epoch, place = item
        count = len(self.windows.samples)
        return self.windows[item] if index < count else self.whole[index - count, epoch, place]
