"""Augmented images with soft targets: what the ensemble says of the image, under the same geometry."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Dataset

from steelsight.dataset.model import Sample
from steelsight.recipe import Member
from steelsight.training.augment import draw, place
from steelsight.training.distil.answers import Answers
from steelsight.training.kept_images import ReadImage
from steelsight.training.loading import Item, Raw, raw_ignored, raw_pixels
from steelsight.training.randomness import generator


@dataclass(frozen=True)
class SoftImages(Dataset[Raw]):
    """As `TrainingImages`, but maps and P(defect) of the ensemble stand for masks and labels.

    Attributes:
        samples: the images as if the ensemble had labelled them.
        numbers: of each, that of its answer.
    """

    member: Member
    samples: Sequence[Sample]
    numbers: Sequence[int]
    answers: Answers
    seed: int
    job: str
    read: ReadImage

    def __getitem__(self, item: Item) -> Raw:
        index, epoch, position = item
        sample, preprocess = self.samples[index], self.member.training_preprocess
        image, answer = self.read(sample.path), self.answers.read(self.numbers[index])
        chance = draw(self.member, sample, generator(self.seed, self.job, epoch, position))
        raw = raw_pixels(image, preprocess, chance)
        if self.member.step == "classify":
            raw["label"] = np.float32(answer.p_defect)
        if self.member.step == "segment" or self.member.head == "cells":
            planes = np.stack([place(plane, preprocess, chance) for plane in answer.maps])
            raw["mask"] = planes if planes.dtype == np.uint8 else planes / np.float32(255)
            raw["ignored"] = raw_ignored(sample, preprocess, chance)
        return raw
