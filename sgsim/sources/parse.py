"""The bytes of one snapshot file -> plain Python values: JSON or YAML, gzip or not, in the encodings shells write."""

from __future__ import annotations

import codecs
import json
import zlib
from pathlib import Path
from typing import Any

from sgsim.errors import InputError
from sgsim.sources.places import Document

PLAN_WANTED = "terraform plan -out=FILE, terraform show -json FILE > plan.json: give plan.json"

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"
# A snapshot of 10,000 groups is below 100 MB; what inflates further than this is neither it nor a log of CloudTrail's
# (a decompression bomb).
_MOST_BYTES = 1 << 30


def read_document(path: Path) -> Document:
    """Parse one file. JSON is tried where the first character is a bracket, else YAML.

    Raises InputError naming the file, and line and column of what cannot be parsed.
    """
    file = str(path)
    text = file_text(path)
    if not text.strip():
        raise InputError(file, "", "is empty", "give the output of an aws ec2 describe command, or a YAML scenario")
    if path.suffix == ".tf":
        raise InputError(file, "", "is Terraform configuration", PLAN_WANTED)
    if text.lstrip()[0] not in "{[":
        return read_yaml(file, text)
    try:
        return Document(file, _json(file, text), {})
    except InputError:
        if path.suffix.lower() not in (".yaml", ".yml"):
            raise
        return read_yaml(file, text)


def read_yaml(file: str, text: str) -> Document:
    """Parse YAML; imported late, since most snapshots are JSON and the import takes 15 ms."""
    from sgsim.sources.yamltree import yaml_document

    return yaml_document(file, text)


def file_text(path: Path) -> str:
    """What a file says, gzip or not. Raises InputError: it cannot be read, damaged gzip, neither UTF-8 nor UTF-16."""
    return _text(str(path), _contents(path))


def processed_template(document: Document) -> Document:
    """The template in the output of ``aws cloudformation get-template``; any other document as it is."""
    body = document.data.get("TemplateBody") if isinstance(document.data, dict) else None
    if isinstance(body, dict):
        return Document(document.file, body, {})
    return read_yaml(document.file, body) if isinstance(body, str) else document


def _contents(path: Path) -> bytes:
    try:
        contents = path.read_bytes()
    except OSError as error:
        raise InputError(str(path), "", error.strerror or "cannot be read") from error
    if contents.startswith(_ZIP_MAGIC):
        raise InputError(str(path), "", "is a plan in Terraform's own form, or a zip file", PLAN_WANTED)
    if not contents.startswith(_GZIP_MAGIC):
        return contents
    inflated = bytearray()
    try:
        while contents:  # several members one after another are one file
            member = zlib.decompressobj(wbits=31)
            inflated += member.decompress(contents, max(1, _MOST_BYTES - len(inflated)))  # 0 would be no limit
            if not member.eof:
                problem = "gzip data is cut off" if not member.unconsumed_tail else "inflates to more than 1 GiB"
                raise InputError(str(path), "", problem, "save the file again")
            contents = member.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise InputError(str(path), "", f"gzip data is damaged: {error}", "save the file again") from error
    return bytes(inflated)


def _text(file: str, contents: bytes) -> str:
    """Decode; PowerShell's ``>`` writes UTF-16 with a byte order mark, some editors write one before UTF-8."""
    utf16 = contents.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return contents.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"is no {'UTF-16' if utf16 else 'UTF-8'} text"
        raise InputError(file, f"byte {error.start}", problem, "save it as UTF-8") from error


def _json(file: str, text: str) -> Any:
    import msgspec

    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        fault = str(error)
    except RecursionError:
        raise InputError(file, "", "is nested too deeply") from None
    if '"@level"' in text[: text.find("\n")]:
        raise InputError(file, "", "is the log of terraform plan -json", PLAN_WANTED)
    # msgspec is the fast parser (3 ms for 50 groups of 60 rules), the standard library's names the line.
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise InputError(file, place, f"is no JSON: {error.msg}", "save the command's output again") from error
    raise InputError(file, "", f"is no JSON: {fault}", "save the command's output again")
