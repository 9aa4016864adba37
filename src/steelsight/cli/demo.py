"""`steelsight demo`: the station with the ready inspector, on made-up strips."""

from typing import Annotated

import typer

from steelsight.cli.serve import Port, serve


def demo(
    port: Port = 8000,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
) -> None:
    """Look at an inspector at work: the page, a ready inspector that knows made-up steel only, and made-up strips.

    The same as `steelsight serve --demo --open`; what it stores is removed at the end.
    """
    serve(demo=True, port=port, open_page=open_page)
