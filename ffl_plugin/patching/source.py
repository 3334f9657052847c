"""A source file as bytes, text and syntax tree, with the byte offset of every node.

Edits are spliced into the bytes, so that everything the parser does not show (a byte order mark, line ends,
tabs, an encoding cookie, form feeds, a missing final newline) is preserved.
"""

from __future__ import annotations

import ast
import bisect
import codecs
import functools
import io
import itertools
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
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
WITH = (ast.With, ast.AsyncWith)
LEAVES_BLOCK = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_Function = TypeVar("_Function", bound=Callable[..., Any])
_CACHE: weakref.WeakKeyDictionary[object, dict[Any, Any]] = weakref.WeakKeyDictionary()
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class Line(NamedTuple):
    """One physical line: text, line end (may be empty) and byte offset."""

    text: str
    end: str
    offset: int

    @property
    def indentation(self) -> str:
        """The white space before the first character, without form feeds."""
        return self.text[: len(self.text) - len(self.text.lstrip())].replace("\f", "")

    @property
    def blank(self) -> bool:
        """Whether the line is empty or white space."""
        return not self.text.strip()


class Source:
    """A parsed file.

    Args:
        data: the bytes of the file.
        name: its name in messages: the path inside the clone.
        parsed: cache of parsed files, by name and bytes.

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
        """Return the file with other bytes.

        Raises:
            PatchError: as the constructor.
        """
        return self._parsed.get((self.name, data)) or Source(data, self.name, self._parsed)

    def line(self, number: int) -> Line:
        """Return a line by its 1-based number."""
        return self.lines[number - 1]

    def column(self, number: int, utf8_column: int) -> int:
        """Convert a column of the syntax tree, in UTF-8 bytes, to characters."""
        return len(self.line(number).text.encode()[:utf8_column].decode())

    def offset(self, number: int, column: int) -> int:
        """Return the byte offset of a 1-based line and a column in characters."""
        line = self.line(number)
        return line.offset + len(line.text[:column].encode(self.encoding))

    def start_of(self, node: ast.AST) -> tuple[int, int]:
        """Return the line and the column, in characters, of a node's start."""
        number: int = node.lineno  # type: ignore[attr-defined]
        return number, self.column(number, node.col_offset)  # type: ignore[attr-defined]

    def end_of(self, node: ast.AST) -> tuple[int, int]:
        """Return the line and the column, in characters, of a node's end."""
        number: int = node.end_lineno  # type: ignore[attr-defined]
        return number, self.column(number, node.end_col_offset)  # type: ignore[attr-defined]

    def first_line_of(self, node: ast.AST) -> str:
        """Return the first line of a node's source, for messages."""
        text = ast.get_source_segment(self.text, node) or ast.unparse(node)
        return text.splitlines()[0]

    def after_line(self, number: int) -> int:
        """Return the byte offset after a line and its newline."""
        return self.line(number + 1).offset if number < len(self.lines) else len(self.data)

    def newline_at(self, number: int) -> str:
        """Return the newline in use at a line: its own, or else the previous line's."""
        for line in reversed(self.lines[:number]):
            if line.end:
                return line.end
        return "\n"

    def encode(self, text: str) -> bytes:
        """Encode text in the file's encoding."""
        return text.encode(self.encoding)

    @functools.cached_property
    def fault(self) -> Optional[str]:
        """Why this Python cannot compile the file, though it parses it; None if it can."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the user's comparisons and assertions
            try:
                compile(self.tree, self.name, "exec", dont_inherit=True)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                return error.msg if isinstance(error, SyntaxError) else str(error)
        return None

    @functools.cached_property
    def definitions(self) -> dict[str, list[ast.stmt]]:
        """Functions and classes by qualified name, including those in ``if``, ``try`` and ``with``."""
        found: dict[str, list[ast.stmt]] = {}
        for name, node in _definitions(self.tree.body, ""):
            found.setdefault(name, []).append(node)
        return found

    @functools.cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree."""
        return nodes_of(self.tree)

    @functools.cached_property
    def tokens(self) -> list[tokenize.TokenInfo]:
        """The tokens of the file, with columns in characters."""
        return list(tokenize.generate_tokens(io.StringIO(self.text).readline))

    def tokens_between(self, start: tuple[int, int], end: tuple[int, int]) -> list[tokenize.TokenInfo]:
        """Return the tokens that start in [``start``, ``end``) (line, column in characters)."""
        first = bisect.bisect_left(self._starts, start)
        return self.tokens[first : bisect.bisect_left(self._starts, end)]

    @functools.cached_property
    def _starts(self) -> list[tuple[int, int]]:
        return [token.start for token in self.tokens]


def weak_cache(function: _Function) -> _Function:
    """Decorator: cache a function's results for as long as its first argument, a file or clone, exists."""

    @functools.wraps(function)
    def cached(first: object, *others: Any) -> Any:
        results = _CACHE.setdefault(first, {})
        if (function, others) not in results:
            results[function, others] = function(first, *others)
        return results[function, others]

    return cast(_Function, cached)


def nodes_of(root: ast.AST) -> list[ast.AST]:
    """Return a node and all below it, in the order of `ast.walk`, found once for each node."""
    return [root, *_below(root)]


@weak_cache
def _below(root: ast.AST) -> list[ast.AST]:
    below: list[ast.AST] = []
    parents: Iterator[ast.AST] = itertools.chain((root,), below)  # follows the list as it grows
    for parent in parents:
        for field in parent._fields:
            value = getattr(parent, field, None)
            if isinstance(value, ast.AST):
                below.append(value)
            elif isinstance(value, list):
                below += [part for part in value if isinstance(part, ast.AST)]
    return below


def find_definition(source: Source, name: str) -> ast.stmt:
    """Return the only function or class of a qualified name, or of its first alternative that exists.

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
    """Return the only function of a qualified name.

    Raises:
        PatchError: there is none, or more than one, or it is a class.
    """
    found = find_definition(source, name)
    if not isinstance(found, FUNCTIONS):
        raise PatchError(f"has a class {name} instead of a function", file=source.name, line=found.lineno)
    return found


def find_scope(source: Source, name: str) -> Scope:
    """Return the only function of a qualified name, or the module for the empty name.

    Raises:
        PatchError: as `find_function`.
    """
    return find_function(source, name) if name else source.tree


def owner_of(source: Source, scope: ast.AST) -> Optional[ast.ClassDef]:
    """Return the class that defines a method."""
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
    """Return the encoding, without byte order mark, and the text, as Python reads the file."""
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


# The markers of git and others, in their order; a line of them alone is a title or a typing error.
_CONFLICT = re.compile(r"^(<{7} .*?)\r?$.*?^={7}\r?$.*?^>{7} ", re.MULTILINE | re.DOTALL)


def _parse(text: str, name: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # do not report invalid escapes in the user's strings
        try:
            return ast.parse(text)
        except SyntaxError as error:
            if conflict := _CONFLICT.search(text):
                raise PatchError(
                    f"has a merge conflict ({conflict[1]})",
                    file=name,
                    line=text.count("\n", 0, conflict.start()) + 1,
                    next_step="resolve it first",
                ) from None
            raise PatchError(
                f"cannot be parsed by Python {platform.python_version()} ({error.msg})",
                file=name,
                line=error.lineno,
                next_step="repair or port the file, or run ffl-patch with another Python version",
            ) from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise PatchError(
                f"cannot be parsed by Python {platform.python_version()} ({error})",
                file=name,
                next_step="repair or restore the file first",
            ) from None
