"""What the ensemble says of each image, as it is deployed: P(defect) and combined maps, kept so that a killed run goes on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine
from steelsight.cascade.judge import judge
from steelsight.cascade.sources import Source
from steelsight.core.errors import UserError
from steelsight.core.files import replacing, sweep
from steelsight.dataset.model import Sample
from steelsight.imaging.rle import encode_mask
from steelsight.rule.rule import Rule


@dataclass(frozen=True, eq=False)
class Answer:
    """Of one image.

    Attributes:
        p_defect: in [0, 1].
        maps: uint8 (classes, height, width), combined probability times 255 at the image's own size.
    """

    p_defect: float
    maps: NDArray[np.uint8]

    def as_sample(self, source: Source, rule: Rule) -> Sample:
        """The image as if the ensemble had labelled it: each class where its map exceeds the rule's upper threshold, so that
        windows are drawn around what may be a defect."""
        levels = np.array(rule.upper)[:, None, None]
        runs = tuple(encode_mask(plane) for plane in self.maps > levels)
        return Sample(source.image_id, source.file, (self.maps.shape[1], self.maps.shape[2]), runs)


@dataclass(frozen=True)
class Answers:
    """A folder with one file for each image, by its number in the order of the sources."""

    folder: Path

    def path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.npz"

    def read(self, number: int) -> Answer:
        """Raises UserError where the file is not what `ask` wrote."""
        path = self.path(number)
        try:
            with np.load(path, allow_pickle=False) as stored:
                p_defect, maps = float(stored["p_defect"]), stored["maps"]
        except Exception as error:  # whatever reads on the way, zlib and tokenize too, has errors of its own
            raise UserError(f"{path}: not an answer that was stored here; delete the file, and `resume=`") from error
        if maps.dtype != np.uint8 or maps.ndim != 3 or not 0 <= p_defect <= 1:
            raise UserError(f"{path}: not an answer that was stored here; delete the file, and `resume=`")
        return Answer(p_defect, maps)

    def ask(
        self, engine: Engine, rule: Rule, sources: Sequence[Source], progress: Callable[[int, int], None]
    ) -> tuple[str, ...]:
        """Judge the images that have no answer yet, whatever the gate says.

        Args:
            progress: called with (images answered, images).

        Returns:
            A sentence for each image that could not be judged, which has no answer.
        """
        sweep(self.folder, below=False)
        missing = [number for number in range(len(sources)) if not self.path(number).is_file()]
        open_gate, unjudged = rule.model_copy(update={"gate": 0.0}), []
        progress(len(sources) - len(missing), len(sources))
        stream = judge(_each(sources, missing), engine, open_gate, keep_maps=True)
        for done, (number, judged) in enumerate(zip(missing, stream, strict=True), start=1):
            if judged.error is not None or judged.size is None:
                unjudged.append(judged.error or "")
            else:
                nothing = np.zeros(
                    (len(engine.classes), *judged.size), np.uint8
                )  # a P(defect) of exactly 0 passes no gate
                self._write(number, judged.p_defect, nothing if judged.maps is None else judged.maps)
            progress(len(sources) - len(missing) + done, len(sources))
        return tuple(unjudged)

    def _write(self, number: int, p_defect: float, maps: NDArray[np.uint8]) -> None:
        with replacing(self.path(number)) as temporary:
            np.savez_compressed(temporary, p_defect=np.float64(p_defect), maps=maps)


def _each(sources: Sequence[Source], numbers: Sequence[int]) -> Iterator[Source]:
    return (sources[number] for number in numbers)
