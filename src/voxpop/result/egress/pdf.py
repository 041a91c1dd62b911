"""The streams of a PDF and the text that it shows (ISO 32000-1, 7.3.8, 7.4, 9.4 and 9.10.3)."""

import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from voxpop.result.egress.inflating import Opening
from voxpop.result.egress.layers import Form, Layer

_STREAM = re.compile(rb">>\s*stream\r?\n")
_FILTER = re.compile(rb"/Filter\s*(\[[^\]]{0,200}\]|/\w+)")
_IMAGE_FILTERS = frozenset({b"DCTDecode", b"JPXDecode", b"CCITTFaxDecode", b"JBIG2Decode"})
_IMAGE = re.compile(rb"/Subtype\s*/Image\b")
_FORBIDDEN = {
    rb"/Encrypt\b": "is encrypted, so it cannot be vouched for: write it without a password",
    rb"/EmbeddedFiles?\b": "carries attached files: write it without them",
    rb"/(?:JavaScript|JS)\b": "carries a program: write it without one",
}
_REACH = 65_536
_OBJECT = re.compile(rb"(?<!\d)(\d{1,10})\s{1,8}\d{1,5}\s{1,8}obj\b(.{0,4096}?)(?:endobj|stream\r?\n)", re.DOTALL)
_REFERENCE = re.compile(rb"/([^\s/<>\[\]()]+)\s+(\d+)\s+\d+\s+R")
_UNICODE = re.compile(rb"/ToUnicode\s+(\d+)\s+\d+\s+R")
_SHOWS = re.compile(
    rb"\((?P<literal>(?:\\.|[^\\()]|\((?:\\.|[^\\()])*\))*)\)|<(?P<hex>[0-9A-Fa-f\s]*)>|"
    rb"/(?P<font>[^\s/<>\[\]()]+)\s+[\d.]+\s+Tf|(?P<show>T[jJ]|['\"])(?![A-Za-z])",
    re.DOTALL,
)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_MAP_PART = re.compile(rb"begin(bfchar|bfrange)((?:(?!begin).){0,65536}?)end\1", re.DOTALL)
_CHARACTER = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>")
_RANGE = re.compile(
    rb"<([0-9A-Fa-f]{1,16})>\s{0,8}<([0-9A-Fa-f]{1,16})>\s{0,8}(?:<([0-9A-Fa-f]{1,64})>|\[([^\[\]]{0,65536})\])"
)
_HEX = re.compile(rb"<([0-9A-Fa-f]+)>")
_MOST_IN_RANGE = 65_536


@dataclass(frozen=True, slots=True)
class _Stream:
    number: bytes
    start: int
    end: int
    content: bytes
    is_image: bool
    holds_objects: bool


@dataclass(frozen=True, slots=True)
class _Codes:
    """Which text each code of a font shows; ``width`` bytes a code."""

    width: int
    text: Mapping[int, str]

    def read(self, shown: bytes) -> str:
        codes = range(0, len(shown) - self.width + 1, self.width)
        return "".join(self.text.get(int.from_bytes(shown[at : at + self.width], "big"), "") for at in codes)


_LATIN = _Codes(1, {code: bytes([code]).decode("cp1252", "ignore") for code in range(256)})


def open_pdf(opening: Opening, content: bytes, name: str) -> None:
    """Find the streams of a PDF, open those that are deflated, and read the text that the pages show."""
    streams = list(_streams(opening, content))
    _check_parts(opening, content, streams)
    opening.layers.append(Layer(name, content, Form.BINARY, tuple((one.start, one.end) for one in streams)))
    maps = {one.number: _codes(one.content) for one in streams if b"begincmap" in one.content}
    fonts = _fonts(content, maps)
    opening.pictures += sum(one.is_image for one in streams)
    for number, stream in enumerate(streams, start=1):
        pixels = ((0, len(stream.content)),) if stream.is_image else ()
        form = Form.TEXT if stream.content.lstrip()[:2] == b"<?" else Form.BINARY
        opening.layers.append(Layer(f"{name}, stream {number}", stream.content, form, pixels))
        if not stream.is_image and b"BT" in stream.content:
            _open_page(opening, stream.content, fonts, tuple(maps.values()))


def _check_parts(opening: Opening, content: bytes, streams: Sequence[_Stream]) -> None:
    """Look for what may not be there, outside the streams and in those that hold objects."""
    starts, ends = [0, *(one.end for one in streams)], [*(one.start for one in streams), len(content)]
    parts = [content[start:end] for start, end in zip(starts, ends, strict=True)]
    parts.extend(one.content for one in streams if one.holds_objects)
    for pattern, sentence in _FORBIDDEN.items():
        if any(re.search(pattern, part) for part in parts):
            opening.fault("kind", sentence)


def _streams(opening: Opening, content: bytes) -> Iterator[_Stream]:
    at = 0
    while found := _STREAM.search(content, at):
        start, end = found.end(), content.find(b"endstream", found.end())
        end = len(content) if end < 0 else end
        at = end
        head = content[max(0, found.start() - _REACH) : found.start() + 2].rpartition(b"endobj")[2]
        numbers = list(re.finditer(rb"(\d+)\s+\d+\s+obj\b", head))
        number = numbers[-1][1] if numbers else b""
        head = head[numbers[-1].end() :] if numbers else head
        inner = _opened(opening, content[start:end], _filters(head))
        yield _Stream(number, start, end, inner, bool(_IMAGE.search(head)), b"/ObjStm" in head)


def _filters(head: bytes) -> list[bytes]:
    found = _FILTER.search(head)
    return re.findall(rb"/(\w+)", found[1]) if found else []


def _opened(opening: Opening, compressed: bytes, filters: Sequence[bytes]) -> bytes:
    if not filters or (len(filters) == 1 and filters[0] in _IMAGE_FILTERS):
        return compressed
    if list(filters) == [b"FlateDecode"]:
        return opening.inflated(compressed, zlib.MAX_WBITS, "a part of the PDF")[0]
    opening.fault("archive", "a part of the PDF is packed in a way that is not read here: write the PDF anew")
    return b""


def _fonts(content: bytes, maps: Mapping[bytes, _Codes]) -> Mapping[bytes, tuple[_Codes, ...]]:
    heads = {found[1]: found[2] for found in _OBJECT.finditer(content)}
    unicode_of = {number: told[1] for number, head in heads.items() if (told := _UNICODE.search(head))}
    fonts: defaultdict[bytes, dict[bytes, _Codes]] = defaultdict(dict)
    for head in heads.values():
        for name, number in _REFERENCE.findall(head):
            table = maps.get(unicode_of.get(number, b""))
            if table is not None:
                fonts[name][number] = table
    return {name: tuple(tables.values()) for name, tables in fonts.items()}


def _open_page(
    opening: Opening, page: bytes, fonts: Mapping[bytes, tuple[_Codes, ...]], every: tuple[_Codes, ...]
) -> None:
    read: defaultdict[int, list[str]] = defaultdict(list)
    pieces: list[bytes] = []
    font = b""
    for token in _SHOWS.finditer(page):
        if token["font"] is not None:
            font = token["font"]
        elif token["show"] is None:
            pieces.append(_string(token))
        else:
            shown, pieces = b"".join(pieces), []
            known = fonts.get(font, ())
            # Where the font is not sure, every map is tried, each for itself.
            tables = enumerate(known) if len(known) == 1 else enumerate((*every, _LATIN), start=1)
            for number, table in tables:
                read[number].append(table.read(shown))
    for number, lines in read.items():
        form = Form.BINARY if number else Form.TEXT
        # One letter may be shown at a time: the text is sought run together too.
        for text, how in (("\n".join(lines), form), ("".join(lines), Form.BINARY)):
            opening.layers.append(Layer("the text of the PDF", text.encode("utf-8", "replace"), how))


def _string(token: "re.Match[bytes]") -> bytes:
    if token["hex"] is not None:
        return _from_hex(re.sub(rb"\s", b"", token["hex"]))
    return _ESCAPE.sub(_unescaped, token["literal"])


def _unescaped(found: "re.Match[bytes]") -> bytes:
    told = found[1]
    if told[:1] in b"01234567":
        return bytes([int(told, 8) & 0xFF])
    return b"" if told in {b"\n", b"\r", b"\r\n"} else _ESCAPED.get(told, told)


def _codes(text: bytes) -> _Codes:
    table: dict[int, str] = {}
    width = 2
    for part, body in _MAP_PART.findall(text):
        if part == b"bfchar":
            for code, shown in _CHARACTER.findall(body):
                width = max(1, len(code) // 2)
                table[int(code, 16)] = _unicode(shown)
        else:
            for first, last, shown, several in _RANGE.findall(body):
                width = max(1, len(first) // 2)
                table.update(_ranged(int(first, 16), int(last, 16), shown, _HEX.findall(several)))
    return _Codes(width, table)


def _ranged(first: int, last: int, shown: bytes, several: Sequence[bytes]) -> Iterator[tuple[int, str]]:
    codes = range(first, min(last, first + _MOST_IN_RANGE) + 1)
    if several:
        yield from ((code, _unicode(one)) for code, one in zip(codes, several, strict=False))
    elif shown:
        text = _unicode(shown)
        yield from ((code, text[:-1] + chr(min(ord(text[-1]) + code - first, 0x10FFFF))) for code in codes if text)


def _unicode(digits: bytes) -> str:
    return _from_hex(digits).decode("utf-16-be", "ignore")


def _from_hex(digits: bytes) -> bytes:
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
