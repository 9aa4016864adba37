"""Groups that the user knows, as options of the verbs that count groups."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from steelsight.cli.output import console
from steelsight.core.errors import UserError
from steelsight.dataset.groups import KnownGroups, read_groups, said
from steelsight.dataset.model import Dataset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from steelsight.run.record import Record

_TIME = re.compile(
    r"(?:19|20)\d\d(?:([-./_ ])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])"
    r"|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)",
    re.ASCII,
)
"""A day, and maybe an hour behind it: 2026-11-28 14:05, 20261128. Coils have such numbers, too: 20134567 is no day."""

Groups = Annotated[
    str | None,
    typer.Option(
        "--groups",
        metavar="TABLE|PATTERN",
        help="Which images belong together, beside twins: a CSV file with the columns image and, say, coil, or a pattern of "
        "their names with named groups, such as '(?P<coil>[^_]+)_'.",
    ),
]


SplitByTime = Annotated[
    str | None,
    typer.Option(
        "--split-by-time",
        metavar="KIND",
        help="Train on the earlier images, and judge what is exported on the later ones. KIND is what --groups says of when "
        "an image was taken: a column of the table, or a group of the pattern, such as day.",
    ),
]
Later = Annotated[
    float | None,
    typer.Option(
        "--later", min=0.0, max=1.0, help="Share of the images that --split-by-time holds back. Default: 0.25."
    ),
]


def check_split(groups: str | None, time: str | None, later: float | None) -> None:
    """See that the three options make sense together.

    Raises:
        UserError: they do not.
    """
    if time is not None and groups is None:
        raise UserError(f"--split-by-time {time}: needs --groups, which says of each image when it was taken")
    if later is not None and time is None:
        raise UserError(f"--later {later}: is the share that --split-by-time holds back; give that too")
    if later is not None and not 0 < later < 1:
        raise UserError(
            f"--later {later}: nothing would be left on one side; give a share between 0 and 1, such as 0.25"
        )


def say_later(record: "Record") -> None:
    """Tell what was held back."""
    if record.later:
        defective = sum(sample.is_defective for sample in record.later)
        console.print(
            f"{len(record.samples)} earlier images are trained on; {len(record.later)} from {record.later_from} on "
            f"({defective} with a defect) are held back, and judged by what is exported",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )


def known_groups(wish: str | None, dataset: Dataset) -> KnownGroups:
    """What the user knows of a dataset's images, those without masks last; nothing without a wish."""
    every = (*dataset.samples, *dataset.without_masks)
    return {} if wish is None else read_groups(wish, [sample.image_id for sample in every])


def say_times(known: KnownGroups) -> None:
    """Tell which kinds are days or other times, by which `train --split-by-time` joins no images, and this verb does."""
    for kind, names in known.items():
        given = [name for name in names if name]
        if given and len(set(given)) < len(given) and all(map(_TIME.match, given)):
            console.print(
                f"note: {kind} says when an image was taken, and all images of one {kind} are one group here, which makes "
                f"bounds wide; `train --split-by-time {kind}` joins none by it: leave {kind} out of the table or pattern if "
                "it is there for that alone",
                highlight=False,
                soft_wrap=True,
                markup=False,
            )


def say_groups(known: KnownGroups, groups: "NDArray[np.int64]") -> None:
    """Tell how many groups there are."""
    if known:
        console.print(said(known, groups.tolist()), highlight=False, soft_wrap=True, markup=False)


def say_known(known: KnownGroups, twins: "NDArray[np.int64] | None", samples: int) -> None:
    """Tell what groups come of those that the user knows and, where they were looked for, the twins; of the samples alone."""
    import numpy as np

    from steelsight.dataset.groups import join_groups

    if known:
        own = {kind: names[:samples] for kind, names in known.items()}
        joined = join_groups(np.arange(samples) if twins is None else twins, own)
        largest = int(np.bincount(joined).max(initial=0))
        console.print(
            f"{said(own, joined.tolist())}; the largest group has {largest} images",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )
        say_times(own)
