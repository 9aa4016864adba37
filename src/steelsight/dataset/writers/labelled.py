"""What every writer takes: an encoded image with the mask of each class."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from steelsight.imaging.rle import Runs

IGNORED = "ignore"
"""The class that layouts without another word for it give to what is not to be judged; every reader here knows it."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """One image to write.

    Attributes:
        name: of its file, unique in the folder; the layouts written here read it back as the image's id.
        content: the file.
        size: height and width in pixels.
        masks: of each class, in the dataset's order.
        ignored: what is not to be judged.
        is_drawn: whether the masks are all that there is to see; else only the classes of the image are known, and stand in a
            table of their own.
    """

    name: str
    content: bytes
    size: tuple[int, int]
    masks: tuple[Runs, ...]
    is_drawn: bool = True
    ignored: Runs = field(default_factory=Runs.empty)

    def with_ignored_class(self) -> "Labelled":
        """With what is ignored as the mask of one class more, the last."""
        return replace(self, masks=(*self.masks, self.ignored))


def files_written(folder: Path, images: Iterable[Labelled]) -> Iterator[Labelled]:
    """Write each image's file into a folder as it comes, and pass it on."""
    folder.mkdir(parents=True, exist_ok=True)
    for image in images:
        path = folder / image.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image.content)
        yield image
