"""Pictures of what the networks see: some images as they are, and as random augmentation changes them."""

from collections.abc import Sequence
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.core.files import replacing
from steelsight.dataset.model import Sample
from steelsight.imaging.roi import read_inside
from steelsight.plots.hatched import hatched
from steelsight.plots.outlines import TRUTH, Outline, outlined
from steelsight.recipe import Member
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.training.augment import draw
from steelsight.training.loading import gather, plain_target, raw_ignored, raw_mask, raw_pixels
from steelsight.training.paste import Donors
from steelsight.training.randomness import generator
from steelsight.training.to_input import ToInput

_DRAWS = 3
_MARGIN = 6
_WIDE = 2.5  # images wider than this are laid below each other


def draw_examples(evidence: OutOfFoldPredictions) -> None:
    """Write the folder RUN/augmentations, a PNG for each of a few images, where it is not there yet."""
    folder = evidence.run.augmentations
    if folder.exists():
        return
    members = sorted(evidence.recipe.members, key=lambda member: member.step != "segment")
    names = evidence.record.classes
    with replacing(folder) as temporary:
        temporary.mkdir()
        for number, sample in enumerate(_one_of_each(evidence.record.samples, len(names))):
            done, content = cv2.imencode(".png", _sheet(members[0], sample, evidence)[..., ::-1])
            if not done:
                raise RuntimeError(f"OpenCV could not encode the examples of {sample.image_id}")
            (temporary / f"{number:02d}.png").write_bytes(content.tobytes())


def _one_of_each(samples: Sequence[Sample], classes: int) -> list[Sample]:
    """An image of each class, and one without a defect."""
    wanted = [next((sample for sample in samples if number in sample.classes), None) for number in range(classes)]
    wanted.append(next((sample for sample in samples if not sample.is_defective), None))
    return list({sample.image_id: sample for sample in wanted if sample}.values())


def _sheet(member: Member, sample: Sample, evidence: OutOfFoldPredictions) -> NDArray[np.uint8]:
    """The plain input of an image and some augmented ones, truth outlined."""
    read, preprocess = partial(read_inside, roi=evidence.record.roi), member.preprocess
    image, donors = read(sample.path), Donors(evidence.record.samples)
    to_input = ToInput(
        preprocess, whole_input=member.augment.recolour == "input"
    )  # masks, whatever the member learns from
    shown = [(preprocess.to_input(image), plain_target(member, sample))]
    for number in range(_DRAWS):
        random = generator(evidence.recipe.seed, f"examples/{sample.image_id}", number)
        seen, pixels_of_it = donors.paste(member, sample, image, read, random)
        chance = draw(member, seen, random)
        window = member.training_preprocess
        ignored = raw_ignored(seen, window, chance)
        raw = raw_pixels(pixels_of_it, window, chance) | {"mask": raw_mask(seen, window, chance), "ignored": ignored}
        pixels, target = to_input(gather([raw]))
        shown.append((pixels[0].numpy(), target[0].numpy()))
    pictures = [_picture(member, pixels, target) for pixels, target in shown]
    return _stack(pictures, vertical=preprocess.width > _WIDE * preprocess.height)


def _picture(member: Member, pixels: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.uint8]:
    grey_or_rgb = pixels * member.input.deviation + member.input.mean
    image = np.round(np.clip(grey_or_rgb.transpose(1, 2, 0), 0, 1) * 255).astype(np.uint8)
    shown = hatched(image[..., 0] if image.shape[2] == 1 else image, target[0] < 0)
    return outlined(shown, [Outline(target >= 0.5, TRUTH)])


def _stack(pictures: Sequence[NDArray[np.uint8]], *, vertical: bool) -> NDArray[np.uint8]:
    """Pictures beside or below each other on white, with a margin."""
    axis = 0 if vertical else 1
    across = max(picture.shape[1 - axis] for picture in pictures)
    padded = []
    for picture in pictures:
        margin = [(0, 0), (0, 0), (0, 0)]
        margin[axis] = (0, _MARGIN)
        margin[1 - axis] = (0, across - picture.shape[1 - axis])
        padded.append(np.pad(picture, margin, constant_values=255))
    return np.concatenate(padded, axis)
