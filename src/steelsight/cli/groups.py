"""Groups that the user knows, as options of the verbs that count groups."""

from typing import TYPE_CHECKING, Annotated

import typer

from steelsight.cli.output import console
from steelsight.dataset.groups import KnownGroups, read_groups, said
from steelsight.dataset.model import Dataset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Groups = Annotated[
    str | None,
    typer.Option(
        "--groups",
        metavar="TABLE|PATTERN",
        help="Which images belong together, beside twins: a CSV file with the columns image and, say, coil, or a pattern of "
        "their names with named groups, such as '(?P<coil>[^_]+)_'.",
    ),
]


def known_groups(wish: str | None, dataset: Dataset) -> KnownGroups:
    """What the user knows of a dataset's images, those without masks last; nothing without a wish."""
    every = (*dataset.samples, *dataset.without_masks)
    return {} if wish is None else read_groups(wish, [sample.image_id for sample in every])


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
            f"{said(own, joined.tolist())}; the largest group has {largest} images", highlight=False, soft_wrap=True
        )
