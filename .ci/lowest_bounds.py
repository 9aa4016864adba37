"""The least version that pyproject.toml allows of each package of some extras, as constraints for pip, one a line."""

import re
import sys
import tomllib
from pathlib import Path

_BOUND = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)(\[[a-z,]+\])?[>=]=(?P<least>[0-9.]+)")


def lowest(extras: list[str]) -> list[str]:
    """Constraints over the plain install and these extras.

    Raises:
        ValueError: one has no least version.
    """
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stated = [*project["dependencies"], *(one for extra in extras for one in project["optional-dependencies"][extra])]
    found = {one: _BOUND.match(one) for one in stated}
    without = [one for one, bound in found.items() if bound is None]
    if without:
        raise ValueError(f"no least version of {', '.join(without)}")
    return sorted({f"{bound['name']}=={bound['least']}" for bound in found.values() if bound is not None})


if __name__ == "__main__":
    print("\n".join(lowest(sys.argv[1:])))
