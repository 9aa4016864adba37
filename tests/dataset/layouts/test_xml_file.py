"""XML that could reach outside of its file is refused, and what is no XML is no error of a folder."""

from pathlib import Path

import pytest

from steelsight.core.errors import UserError
from steelsight.dataset.layouts.xml_file import read_xml, root_tag


def test_the_root_of_a_file_in_any_encoding_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        file.write_bytes("<annotation><name>Größe</name></annotation>".encode(encoding))
        assert root_tag(file) == "annotation"
        assert read_xml(file).findtext("name") == "Größe"


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG", b"<a", b'<?xml version="1.0" encoding="odd"?><a/>'])
def test_what_is_no_xml_has_no_root(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.xml"
    file.write_bytes(content)
    assert root_tag(file) in ("", "a")
    with pytest.raises(UserError, match=str(file)):
        read_xml(file)


def test_entities_are_refused_in_every_encoding(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    for encoding in ("utf-8", "utf-16"):
        file.write_bytes('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'.encode(encoding))
        with pytest.raises(UserError, match="declares a document type"):
            read_xml(file)
