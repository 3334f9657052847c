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
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, Callable, NamedTuple, Optional, TypeVar, Union, cast

from ffl_plugin.patching.errors import PatchError, lines_text
from ffl_plugin.patching.recipe import alternatives

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]
Scope = Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.Module]
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_Function = TypeVar("_Function", bound=Callable[..., Any])
_KNOWN: weakref.WeakKeyDictionary[object, dict[Any, Any]] = weakref.WeakKeyDictionary()
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
        parsed: what has been parsed already, by name and bytes, so that nothing is parsed twice.

    Raises:
        PatchError: the bytes cannot be decoded, or this Python cannot parse the text.
    """

    def __init__(
        self, data: bytes, name: str, parsed: Optional[dict[tuple[str, bytes], Source]] = None
    ) -> None:
        self.data = data
        self.name = name
        self._parsed = {} if parsed is None else parsed
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
        self._parsed[name, data] = self

    def with_bytes(self, data: bytes) -> Source:
        """Return the file as it would be with other bytes.

        Raises:
            PatchError: as the constructor does.
        """
        return self._parsed.get((self.name, data)) or Source(data, self.name, self._parsed)

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
    def definitions(self) -> dict[str, list[ast.stmt]]:
        """The functions and classes by qualified name, also those in ``if``, ``try`` and ``with``."""
        found: dict[str, list[ast.stmt]] = {}
        for name, node in _definitions(self.tree.body, ""):
            found.setdefault(name, []).append(node)
        return found

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


def once_for_each(function: _Function) -> _Function:
    """Remember what a function returns for its first argument, a file or clone, as long as that is in use."""

    @functools.wraps(function)
    def remembering(first: object, *others: Any) -> Any:
        known = _KNOWN.setdefault(first, {})
        if (function, others) not in known:
            known[function, others] = function(first, *others)
        return known[function, others]

    return cast(_Function, remembering)


def find_definition(source: Source, name: str) -> ast.stmt:
    """Return the one function or class of a qualified name, or of its first alternative that is there.

    Raises:
        PatchError: there is none, or more than one.
    """
    for alternative in alternatives(name):
        found = source.definitions.get(alternative, [])
        if len(found) > 1:
            lines = lines_text([node.lineno for node in found])
            raise PatchError(f"defines {alternative} {len(found)} times ({lines})", file=source.name)
        if found:
            return found[0]
    raise PatchError(f"has no {name.replace(' | ', ' or ')}", file=source.name)


def find_function(source: Source, name: str) -> Function:
    """Return the one function of that qualified name.

    Raises:
        PatchError: there is none, or more than one, or it is a class.
    """
    found = find_definition(source, name)
    if not isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef)):
        raise PatchError(f"has a class {name} instead of a function", file=source.name, line=found.lineno)
    return found


def find_scope(source: Source, name: str) -> Scope:
    """Return the one function of that qualified name, or the module for the empty name.

    Raises:
        PatchError: as `find_function` does.
    """
    return find_function(source, name) if name else source.tree


def owner_of(source: Source, scope: ast.AST) -> Optional[ast.ClassDef]:
    """Return the class in which a method is defined."""
    name = next((name for name, nodes in source.definitions.items() if scope in nodes), "")
    while name := name.rpartition(".")[0]:
        for node in source.definitions.get(name, ()):
            if isinstance(node, ast.ClassDef):
                return node
    return None


def blocks_of(statement: ast.AST) -> list[list[ast.stmt]]:
    """Return the statement lists directly below a node: bodies, ``else``, handlers, cases."""
    blocks = []
    for field in ("body", "orelse", "finalbody"):
        block = getattr(statement, field, None)
        if isinstance(block, list) and block:
            blocks.append(block)
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        blocks.append(part.body)
    return blocks


def _definitions(body: Sequence[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.stmt]]:
    for statement in body:
        if isinstance(statement, DEFINITIONS):
            name = f"{prefix}{statement.name}"
            yield name, statement
            yield from _definitions(statement.body, f"{name}.")
        else:
            for block in blocks_of(statement):
                yield from _definitions(block, prefix)


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
            next_step="repair or restore the file first",
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
                next_step="repair the file, port it from an older Python, or run ffl-patch with a newer one",
            ) from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise PatchError(
                f"cannot be parsed by Python {platform.python_version()} ({error})",
                file=name,
                next_step="repair or restore the file first",
            ) from None
