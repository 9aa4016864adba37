"""XML as labelling tools write it: parsed without anything that could reach outside of the file."""

from pathlib import Path
from xml.etree import ElementTree

from steelsight.core.errors import UserError

_DECLARED = (b"<!DOCTYPE", b"<!ENTITY")  # what could blow up or read other files; no labelling tool writes them


def read_xml(file: Path) -> ElementTree.Element:
    """The root element of an XML file, in the encoding that it declares.

    Raises:
        UserError: it cannot be read, is not XML, or declares entities.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}); check its rights") from error
    if any(word in content.replace(b"\0", b"").upper() for word in _DECLARED):
        raise UserError(f"{file}: declares a document type or entities, which no label file needs; export it again")
    try:
        return ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        line, column = error.position
        raise UserError(f"{file}, line {line}: not XML (column {column + 1}); export it again") from None
    except (LookupError, ValueError):
        raise UserError(f"{file}: in an encoding that is not known; export it again as UTF-8") from None


def root_tag(file: Path) -> str:
    """The name of the root element of a file that may be anything; "" where it is no XML."""
    try:
        for _, element in ElementTree.iterparse(file, events=("start",)):
            return str(element.tag)
    except (ElementTree.ParseError, OSError, LookupError, ValueError):
        return ""
    return ""
