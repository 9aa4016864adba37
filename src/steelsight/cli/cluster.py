"""Options of verbs that run on a cluster."""

from collections.abc import Mapping
from typing import Annotated

import typer

from steelsight.core.errors import UserError

Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="auto|local|HOST:PORT",
        help="Work on a Ray cluster: the one that this machine is a node of (auto), one of this machine alone that ends with "
        "the command (local), or the one at an address. See docs/cluster.md.",
        show_default=False,
    ),
]
ShipData = Annotated[
    bool,
    typer.Option("--ship-data", help="With --cluster: bring the images to nodes that do not see their folder."),
]
Retries = Annotated[
    int | None,
    typer.Option(
        "--retries",
        min=0,
        help="With --cluster: how often work goes on elsewhere after its worker was lost.",
        show_default="3",
    ),
]


def require_with_cluster(cluster: str | None, given: Mapping[str, bool]) -> None:
    """See that options that are for a cluster come with one.

    Args:
        given: whether each was given.

    Raises:
        UserError: one was, and no cluster.
    """
    alone = [option for option, is_given in given.items() if is_given]
    if cluster is None and alone:
        raise UserError(f"{alone[0]}: it is for a cluster; name one by --cluster, or leave it out")
