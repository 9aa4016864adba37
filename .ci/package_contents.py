"""Hold a wheel or an sdist to what may be in it: the code and what it needs, no test, no picture, none of what is trained.

python .ci/package_contents.py dist/*
"""

import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

IN_WHEEL = {
    ".py",
    ".yaml",
    ".j2",
    ".html",
    ".css",
    ".js",
    ".svg",
    ".typed",
    ".json",
    ".md",
    ".txt",
    ".onnx",
    ".csv",
    ".npz",
}
IN_SDIST = {"src", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "PKG-INFO", ".gitignore"}
NEEDED = ("api/train.py", "recipe/lite.yaml", "report/templates/page.html.j2", "station/page/index.html", "py.typed")
MOST_BYTES = 24_000_000


def names(package: Path) -> list[str]:
    """Paths of the files inside."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as archive:
            return [name for name in archive.namelist() if not name.endswith("/")]
    with tarfile.open(package) as archive:
        return [member.name for member in archive.getmembers() if member.isfile()]


def faults(package: Path) -> Iterator[str]:
    """What is there and may not be, or is lacking."""
    if package.stat().st_size > MOST_BYTES:
        yield f"{package.stat().st_size} bytes, more than {MOST_BYTES}"
    found = names(package)
    if package.suffix == ".whl":
        code = "steelsight/"
        for name in found:
            of_package = name.startswith(code) and Path(name).suffix in IN_WHEEL and "/tests/" not in name
            if not of_package and not name.split("/")[0].endswith(".dist-info"):
                yield f"{name}: what is this doing in the wheel?"
        if not any(name.endswith(".dist-info/licenses/LICENSE") for name in found):
            yield "the licence is missing"
    else:
        root = found[0].split("/")[0]
        code = f"{root}/src/steelsight/"
        for name in found:
            if name.split("/")[1] not in IN_SDIST or (name.startswith(code) and Path(name).suffix not in IN_WHEEL):
                yield f"{name}: what is this doing in the sdist?"
    for needed in NEEDED:
        if code + needed not in found:
            yield f"{needed} is missing"


if __name__ == "__main__":
    wrong = [f"{package}: {fault}" for package in sys.argv[1:] for fault in faults(Path(package))]
    print("\n".join(wrong) or f"{', '.join(Path(one).name for one in sys.argv[1:])}: nothing that should not be there")
    sys.exit(bool(wrong))
