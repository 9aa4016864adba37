"""`steelsight token`: make a token with a name and a role for a station."""

from pathlib import Path
from typing import Annotated

import typer

from steelsight.cli.judging import AsJson
from steelsight.cli.next_step import quoted
from steelsight.cli.output import console, finish
from steelsight.core.errors import UserError


def token(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File of tokens; made if it is not there.")],
    name: Annotated[str, typer.Option(help="Who gets it: the name that reviews carry.")],
    role: Annotated[
        str,
        typer.Option(
            metavar="operator|reviewer|owner",
            help="operator: look and send images; reviewer: also review; "
            "owner: also take the log, the corrections and the audit trail away.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Make a token for one person or program: it is printed once, and FILE keeps its SHA-256 alone.

    A station reads FILE when it starts. To end a token, take its lines out of FILE and start the station again.
    """
    from steelsight.core.errors import nearest
    from steelsight.station.people import ROLES, add_person

    known = next((one for one in ROLES if one == role), None)
    if known is None:
        raise UserError(f"--role {role}: there is no such role; {nearest(role, ROLES)}")
    made = add_person(file, name, known)
    if not as_json:
        print(made)
        console.print(f"for {name}, {role}; it is not shown again", markup=False, highlight=False, soft_wrap=True)
    figures = {"token": made, "name": name, "role": role}
    finish([file], f"steelsight serve INSPECTOR --tokens {quoted(file)}", as_json=as_json, figures=figures)
