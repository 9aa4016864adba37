"""Options of verbs that run on a cluster."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steelsight.cli.output import console
from steelsight.core.errors import UserError

if TYPE_CHECKING:
    from steelsight.selection.histograms import MakeHistograms

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


def say(text: str) -> None:
    """A line on standard error."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def count_on(ray: Any, retries: int | None) -> "MakeHistograms":
    """Where `decide` lets histograms be made: on a cluster that this process is connected with."""
    from steelsight.cluster.histograms import RETRIES, count_on_cluster

    return lambda evidence, passes, tick: count_on_cluster(
        ray, evidence, passes, tick, RETRIES if retries is None else retries, say
    )


def count_on_address(cluster: str, retries: int | None) -> "MakeHistograms":
    """The same, connected with when there are histograms to make."""
    from steelsight.cluster.connect import connected

    def make(*orders: Any) -> Any:
        with connected(cluster) as ray:
            yield from count_on(ray, retries)(*orders)

    return make
