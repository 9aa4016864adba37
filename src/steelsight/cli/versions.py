"""What `steelsight --version` says: version, commit if known, and the libraries that run networks."""

import json
import subprocess
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from steelsight.version import __version__

_LIBRARIES = {"OpenVINO": "openvino", "ONNX Runtime": "onnxruntime-gpu", "torch": "torch"}
"""The last two only where they are installed."""


def versions() -> str:
    """One line each, without importing anything of theirs."""
    commit = _commit()
    lines = [f"steelsight {__version__}" + (f" (commit {commit})" if commit else "")]
    lines += [f"{name} {found}" for name, package in _LIBRARIES.items() if (found := _installed(package))]
    return "\n".join(lines)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Of the repository that pip installed from, or of the working tree that this file lies in."""
    try:
        installed = json.loads(distribution("steelsight").read_text("direct_url.json") or "{}")
        known = installed.get("vcs_info", {}).get("commit_id")
    except (PackageNotFoundError, ValueError):
        known = None
    return str(known)[:12] if known else _working_tree(Path(__file__).resolve().parents[3])


def _working_tree(root: Path) -> str | None:
    if not (root / ".git").exists():
        return None
    try:
        said = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "--short=12", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            timeout=5,
        )
    except (OSError, subprocess.SubprocessError):  # no git, or a working tree that is somebody else's
        return None
    return said.stdout.strip() or None
