"""The peer of bench/inspection.py: a fair eager torch loop over the same networks, from files on disk to a written CSV.

inference_mode, channels last, all cores inside each operation, one batch of images through every classifier and those that
pass the gate through every segmenter; decoding in grey, area resize, bilinear upsampling, thresholds and run lengths all
vectorised. It shares no code with the runtime.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Plain:
    """The numbers of a rule, thresholds in [0, 1]."""

    gate: float
    upper: tuple[float, ...]
    lower: tuple[float, ...]
    min_area: tuple[int, ...]


@dataclass(frozen=True)
class EagerLoop:
    """Networks of both steps, all with the same input size and normalisation."""

    classifiers: Sequence[nn.Module]
    segmenters: Sequence[nn.Module]
    size: tuple[int, int]
    channels: int
    mean: float
    deviation: float
    rule: Plain

    @torch.inference_mode()
    def run(self, paths: Sequence[Path], out: Path, batch: int) -> int:
        """Judge the images into a CSV of (image, class, run lengths); returns how many passed the gate."""
        passed = 0
        with out.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            for start in range(0, len(paths), batch):
                group = paths[start : start + batch]
                images = [read_grey(path) for path in group]
                inputs = self._inputs(images)
                said = torch.stack([net(inputs).sigmoid() for net in self.classifiers]).mean(0)
                through = torch.nonzero(said > self.rule.gate).flatten().tolist()
                passed += len(through)
                rows = dict.fromkeys(range(len(group)), [""] * len(self.rule.upper))
                if through:
                    maps = torch.stack([net(inputs[through]).sigmoid() for net in self.segmenters]).mean(0)
                    for place, map_ in zip(through, maps, strict=True):
                        rows[place] = list(self._cut(map_, images[place].shape))
                for place, path in enumerate(group):
                    writer.writerows([path.name, index + 1, text] for index, text in enumerate(rows[place]))
        return passed

    def _inputs(self, images: Sequence[np.ndarray]) -> Tensor:
        small = np.stack([cv2.resize(image, self.size[::-1], interpolation=cv2.INTER_AREA) for image in images])
        inputs = torch.from_numpy(small)[:, None].float().div_(255).sub_(self.mean).div_(self.deviation)
        inputs = inputs.repeat(1, self.channels, 1, 1)
        return inputs.contiguous(memory_format=torch.channels_last)

    def _cut(self, map_: Tensor, size: tuple[int, ...]) -> Iterator[str]:
        full = F.interpolate(map_[None], size, mode="bilinear")[0]
        found = (full > torch.tensor(self.rule.upper)[:, None, None]).flatten(1).sum(1)
        masks = (full > torch.tensor(self.rule.lower)[:, None, None]).numpy()
        for index, mask in enumerate(masks):
            yield run_lengths(mask) if found[index] >= self.rule.min_area[index] else ""


def read_grey(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise SystemExit(f"{path}: cannot be read as an image")
    return np.asarray(image, np.uint8)


def run_lengths(mask: np.ndarray) -> str:
    """`start length` pairs, 1-based, column-major.

    >>> run_lengths(np.array([[True, False], [True, True]]))
    '1 2 4 1'
    """
    flat = np.concatenate([[0], mask.T.reshape(-1), [0]])
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges[1::2] -= edges[::2]
    return " ".join(map(str, edges))
