"""A labelled dataset of strips: drawn by threads, written as they come, whole or not at all."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from steelsight.core.cores import on_all_cores
from steelsight.core.errors import UserError
from steelsight.core.files import write_csv, write_json
from steelsight.dataset.groups import BESIDE
from steelsight.dataset.writers.labelled import Labelled
from steelsight.dataset.writers.write import WrittenLayout, id_of, refuse_existing, write_dataset
from steelsight.strips import labels
from steelsight.strips.defects import CLASSES
from steelsight.strips.draw import Strip, check_wish, draw_strip
from steelsight.strips.encode import as_jpeg
from steelsight.strips.lines import line_of
from steelsight.version import __version__


@dataclass(frozen=True)
class StripsRequest:
    """What strips are made: the arguments of `make_strips` that decide what is drawn and written."""

    images: int
    seed: int
    size: tuple[int, int]
    defective: float
    difficulty: float
    strips_per_coil: int
    line: int
    layout: WrittenLayout
    loose_labels: bool


@dataclass(frozen=True)
class Made:
    """What was made: counts of the truth, whatever the labels say.

    Attributes:
        images, defective, coils, twins: counts.
        classes: images that show each class.
    """

    images: int
    defective: int
    coils: int
    twins: int
    classes: tuple[int, ...]


def make_strips(
    folder: Path | str,
    images: int = 400,
    *,
    seed: int = 7,
    size: tuple[int, int] = (256, 1600),
    defective: float = 0.5,
    difficulty: float = 0.5,
    strips_per_coil: int = 4,
    line: int = 1,
    layout: WrittenLayout = "severstal",
    loose_labels: bool = False,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Made:
    """Make a folder of labelled strips, with `groups.csv` (image, coil, twin_of) and `strips.json` beside the images.

    Strip `index` of a seed is `draw_strip(seed, index, ...)` whatever `images` and `workers` are.

    Args:
        folder: must not be there.
        loose_labels: polygons drawn around the defects, some overlooked or doubtful, in place of the drawn pixels.
        workers: threads that draw.
        progress: called with strips written and strips in all.

    Raises:
        UserError: an argument is out of its range, the folder is there, or the disk is full. Nothing is left behind.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as parent:
    ...     made = make_strips(Path(parent) / "strips", 3, seed=1, size=(64, 400))
    ...     sorted(path.name for path in (Path(parent) / "strips").iterdir())
    ['groups.csv', 'strips.json', 'train.csv', 'train_images']
    >>> made.images, made.coils
    (3, 1)
    """
    folder = Path(folder)
    wish = StripsRequest(images, seed, size, defective, difficulty, strips_per_coil, line, layout, loose_labels)
    if images < 1:
        raise UserError(f"{images} images: at least 1 must be made")
    if workers < 1:
        raise UserError(f"{workers} threads: at least 1 must draw")
    check_wish(seed, size, defective, difficulty, strips_per_coil)
    line_of(line)
    refuse_existing(folder)
    rows: list[tuple[str, str, str]] = []
    counts = [0, 0, *(0 for _ in CLASSES)]

    def labelled() -> Iterator[Labelled]:
        for done, (strip, image) in enumerate(_drawn(wish, workers), start=1):
            twin = "" if strip.twin_of is None else id_of(_name(strip.twin_of, strip.coil), layout)
            rows.append((id_of(image.name, layout), coil_name(strip.coil), twin))
            shown = [bool((strip.truth == number).any()) for number in range(1, len(CLASSES) + 1)]
            for place, one in enumerate((any(shown), bool(twin), *shown)):
                counts[place] += one
            yield image
            if progress:
                progress(done, images)

    def beside(place: Path) -> None:
        write_csv(place / BESIDE, ("image", "coil", "twin_of"), rows)
        write_json(place / "strips.json", {"made_by": f"steelsight {__version__}", "made_up": True, **asdict(wish)})

    write_dataset(folder, layout, CLASSES, labelled(), beside=beside)
    return Made(images, counts[0], len({coil for _, coil, _ in rows}), counts[1], tuple(counts[2:]))


def coil_name(number: int) -> str:
    """A coil's name, as in `groups.csv` and at the beginning of its images' names.

    >>> coil_name(12)
    'coil00012'
    """
    return f"coil{number:05d}"


def _name(index: int, coil: int) -> str:
    return f"{coil_name(coil)}_{index:06d}.jpg"


def _drawn(wish: StripsRequest, workers: int) -> Iterator[tuple[Strip, Labelled]]:
    """Every strip in its order, drawn a few ahead of the writer by threads."""
    return on_all_cores(partial(_one, wish), range(wish.images), workers)


def _one(wish: StripsRequest, index: int) -> tuple[Strip, Labelled]:
    strip = draw_strip(
        wish.seed,
        index,
        size=wish.size,
        defective=wish.defective,
        difficulty=wish.difficulty,
        strips_per_coil=wish.strips_per_coil,
        line=wish.line,
    )
    masks = labels.loose(wish.seed, index, strip.truth) if wish.loose_labels else labels.exact(strip.truth)
    return strip, Labelled(_name(index, strip.coil), as_jpeg(strip.image, wish.line), wish.size, masks)
