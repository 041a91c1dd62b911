"""Opens a file of a request as far as the limits allow, so that the checks see what a reader would."""

import base64
import binascii
import bz2
import html
import json
import lzma
import re
from pathlib import Path

from voxpop.result.egress import archives
from voxpop.result.egress.images import open_jpeg, open_nifti, open_png
from voxpop.result.egress.inflating import GZIP_ONLY, Opening
from voxpop.result.egress.layers import Form, Layer, Opened
from voxpop.result.egress.model import Limits
from voxpop.result.egress.pdf import open_pdf
from voxpop.result.egress.signatures import ARCHIVES, HEAD_BYTES, Signature, signature

THE_FILE = "the file"
_FORMS = {"json": Form.JSON, "jsonld": Form.JSON, "tsv": Form.TABS, "csv": Form.COMMAS}
_PAGES = frozenset({"svg", "html", "htm"})
_EMBEDDED = re.compile(rb"data:[^,;\"'\s]{0,100}(?:;[^,;\"'\s]{0,100}){0,4};base64,([A-Za-z0-9+/=\s]+)")
_TAG = re.compile(r"<[^<>]{0,4000}>")
_DEEPEST = 4
_S = Signature


def open_file(file: Path, path: str, limits: Limits, source: bytes | None = None) -> Opened:
    """Open one file.

    Parameters
    ----------
    path : str
        Relative to the run's results.
    source : bytes, optional
        The JSON that a composed report was made from; it is looked at as a part of the report.
    """
    size = file.stat().st_size
    opening = Opening(path, limits)
    opening.layers.append(Layer("its name", path.encode("utf-8", "replace"), Form.TEXT))
    content = file.read_bytes() if size <= limits.file_bytes else b""
    if content:
        _open(opening, content, path.rpartition("/")[2], THE_FILE, 0)
    if source is not None:
        opening.layers.append(Layer("what the report was made from", source, Form.JSON))
    return Opened(
        path=path,
        size=size,
        head=content[:HEAD_BYTES],
        layers=tuple(opening.layers),
        faults=tuple(opening.faults),
        pictures=opening.pictures,
        is_nifti=content[:2] == b"\x1f\x8b" and any(signature(one.content) is _S.NIFTI for one in opening.layers),
    )


def _open(opening: Opening, content: bytes, name: str, where: str, depth: int) -> None:
    told = signature(content)
    if depth > _DEEPEST:
        opening.fault("archive", archives.NESTED)
    elif told in ARCHIVES:
        _open_archive(opening, content, name, where, depth)
    elif told is _S.PNG:
        open_png(opening, content, where)
    elif told is _S.JPEG:
        open_jpeg(opening, content, where)
    elif told is _S.PDF:
        open_pdf(opening, content, where)
    elif told is _S.NIFTI:
        open_nifti(opening, content, where)
    else:
        _open_text(opening, content, name, where, depth)
    if told is not _S.ZIP and archives.holds_zip(content):
        opening.fault("archive", archives.NESTED)


def _open_archive(opening: Opening, content: bytes, name: str, where: str, depth: int) -> None:
    told = signature(content)
    nifti = told is _S.GZIP and name.lower().endswith(".nii.gz")
    if depth and not nifti:
        opening.fault("archive", archives.NESTED)
    if told is _S.ZIP:
        for member, inner in archives.zip_members(opening, content):
            _open_member(opening, member, inner, where, depth)
    elif told is _S.TAR:
        for member, inner in archives.tar_members(opening, content, len(content)):
            _open_member(opening, member, inner, where, depth)
    elif told in {_S.GZIP, _S.XZ, _S.BZIP2}:
        _open_compressed(opening, content, name, where, depth)
    else:
        opening.fault("archive", archives.CLOSED)


def _open_member(opening: Opening, member: str, content: bytes, where: str, depth: int) -> None:
    opening.layers.append(Layer(f"a name in {where}", member.encode("utf-8", "replace"), Form.TEXT))
    _open(opening, content, member, f"a member of {where}", depth + 1)


def _open_compressed(opening: Opening, content: bytes, name: str, where: str, depth: int) -> None:
    opening.layers.append(Layer(f"{where}, compressed", content, Form.BINARY, ((10, len(content)),)))
    inner = _decompressed(opening, content)
    told = signature(inner)
    if told is _S.TAR:
        # A compressed tar is one archive, not one inside another.
        for member, part in archives.tar_members(opening, inner, len(content)):
            _open_member(opening, member, part, where, depth)
    elif inner:
        _open(opening, inner, name.rpartition(".")[0], f"{where}, opened", depth + 1)


def _decompressed(opening: Opening, content: bytes) -> bytes:
    told = signature(content)
    if told is _S.XZ:
        return opening.unpacked(content, lzma.LZMADecompressor(memlimit=2**28), "a compressed part")
    if told is _S.BZIP2:
        return opening.unpacked(content, bz2.BZ2Decompressor(), "a compressed part")
    # RFC 1952: a gzip file may be several members, one behind the other.
    parts: list[bytes] = []
    rest = content
    while rest[:2] == b"\x1f\x8b":
        part, rest = opening.inflated(rest, GZIP_ONLY, "a compressed part")
        parts.append(part)
    if rest:
        opening.fault("archive", "holds bytes behind its compressed part: write it anew without them")
    return b"".join(parts)


def _open_text(opening: Opening, content: bytes, name: str, where: str, depth: int) -> None:
    suffix = name.lower().rpartition(".")[2]
    is_text = signature(content) is _S.TEXT
    form = _FORMS.get(suffix, Form.TEXT) if is_text else Form.BINARY
    opening.layers.append(Layer(where, content, form))
    if not is_text:
        return
    if suffix in _PAGES:
        shown = html.unescape(_TAG.sub("", content.decode("utf-8", "replace")))
        opening.layers.append(Layer(f"the text of {where}", shown.encode("utf-8", "replace"), Form.TEXT))
    if form is Form.JSON and b"\\u" in content:
        opening.layers.append(Layer(f"the text of {where}", _without_escapes(content), Form.TEXT))
    for found in _EMBEDDED.finditer(content):
        _open_embedded(opening, found[1], where, depth)


def _open_embedded(opening: Opening, encoded: bytes, where: str, depth: int) -> None:
    try:
        inner = base64.b64decode(re.sub(rb"\s", b"", encoded), validate=True)
    except binascii.Error:
        opening.fault("kind", "holds an embedded file that cannot be read: leave it out")
        return
    _open(opening, inner, "", f"a file inside {where}", depth + 1)


def _without_escapes(content: bytes) -> bytes:
    try:
        return json.dumps(json.loads(content), ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):  # said by the check of kinds
        return b""
