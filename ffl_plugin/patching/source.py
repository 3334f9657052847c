"""A source file as bytes, text and syntax tree at once, with the byte offset of every place in the tree.

Edits are spliced into the bytes, so that whatever the parser does not show (a byte order mark, line ends,
tabs, an encoding cookie, form feeds, a missing final newline) is kept without being known.
"""

from __future__ import annotations

import ast
import bisect
import codecs
import functools
import io
import platform
import re
import tokenize
import warnings
from typing import NamedTuple

from ffl_plugin.patching.errors import PatchError

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class Line(NamedTuple):
    """One physical line: its text without the line end, the line end (may be empty) and its byte offset."""

    text: str
    end: str
    offset: int

    @property
    def indentation(self) -> str:
        """The white space before the first character, without form feeds."""
        return self.text[: len(self.text) - len(self.text.lstrip())].replace("\f", "")

    @property
    def blank(self) -> bool:
        """Whether there is nothing but white space."""
        return not self.text.strip()


class Source:
    """A parsed file.

    Args:
        data: the bytes of the file.
        name: how messages call it: its path inside the clone.

    Raises:
        PatchError: the bytes cannot be decoded, or this Python cannot parse the text.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name
        self.encoding, text = _decode(data, name)
        self.lines: list[Line] = []
        offset = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
        for match in _LINE.finditer(text):
            content = match.group().rstrip("\r\n")
            self.lines.append(Line(content, match.group()[len(content) :], offset))
            offset += len(match.group().encode(self.encoding))
        if offset != len(data):
            raise PatchError(f"its {self.encoding} text does not encode back to the same bytes", file=name)
        # The parser counts \n, \r\n and \r as line ends, as above; it sees one kind only.
        self.text = "".join(f"{line.text}\n" for line in self.lines)
        self.tree = _parse(self.text, name)

    def line(self, number: int) -> Line:
        """Return a line by its 1-based number."""
        return self.lines[number - 1]

    def column(self, number: int, utf8_column: int) -> int:
        """Turn a column of the syntax tree, which counts UTF-8 bytes, into one that counts characters."""
        return len(self.line(number).text.encode()[:utf8_column].decode())

    def offset(self, number: int, column: int) -> int:
        """Return the byte offset of a 1-based line and a column in characters."""
        line = self.line(number)
        return line.offset + len(line.text[:column].encode(self.encoding))

    def start_of(self, node: ast.AST) -> tuple[int, int]:
        """Return the line and the column in characters at which a node starts."""
        number: int = node.lineno  # type: ignore[attr-defined]
        return number, self.column(number, node.col_offset)  # type: ignore[attr-defined]

    def end_of(self, node: ast.AST) -> tuple[int, int]:
        """Return the line and the column in characters after the last character of a node."""
        number: int = node.end_lineno  # type: ignore[attr-defined]
        return number, self.column(number, node.end_col_offset)  # type: ignore[attr-defined]

    def text_of(self, node: ast.AST) -> str:
        """Return a node's source."""
        return ast.get_source_segment(self.text, node) or ast.unparse(node)

    def first_line_of(self, node: ast.AST) -> str:
        """Return the first line of a node's source, for messages."""
        return self.text_of(node).splitlines()[0]

    def after_line(self, number: int) -> int:
        """Return the byte offset after a line and its line end."""
        return self.line(number + 1).offset if number < len(self.lines) else len(self.data)

    def newline_at(self, number: int) -> str:
        """Return the line end in use at a line: its own, or that of the line before when it has none."""
        for line in reversed(self.lines[:number]):
            if line.end:
                return line.end
        return "\n"

    def encode(self, text: str) -> bytes:
        """Encode text of ours in the file's encoding."""
        return text.encode(self.encoding)

    @functools.cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree."""
        return list(ast.walk(self.tree))

    @functools.cached_property
    def tokens(self) -> list[tokenize.TokenInfo]:
        """The tokens of the file, with columns in characters."""
        return list(tokenize.generate_tokens(io.StringIO(self.text).readline))

    def tokens_between(self, start: tuple[int, int], end: tuple[int, int]) -> list[tokenize.TokenInfo]:
        """Return the tokens that start from ``start`` on and before ``end`` (line, column in characters)."""
        first = bisect.bisect_left(self._starts, start)
        return self.tokens[first : bisect.bisect_left(self._starts, end)]

    @functools.cached_property
    def _starts(self) -> list[tuple[int, int]]:
        return [token.start for token in self.tokens]


def _decode(data: bytes, name: str) -> tuple[str, str]:
    """Return the encoding without byte order mark, and the text, as Python itself would read the file."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        body = data
        if data.startswith(codecs.BOM_UTF8):
            encoding, body = "utf-8", data[len(codecs.BOM_UTF8) :]
        return encoding, body.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise PatchError(
            f"cannot be read as Python source ({error})",
            file=name,
            next_step="mend or restore the file first",
        ) from None


def _parse(text: str, name: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The user's "\d" in a plain string is not ours to report.
        try:
            return ast.parse(text)
        except SyntaxError as error:
            raise PatchError(
                f"cannot be parsed by Python {platform.python_version()} ({error.msg})",
                file=name,
                line=error.lineno,
                next_step="mend the file, port it from an older Python, or run ffl-patch with a newer one",
            ) from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise PatchError(
                f"cannot be parsed by Python {platform.python_version()} ({error})",
                file=name,
                next_step="mend or restore the file first",
            ) from None
