"""Promise 4: whatever the parser does not show is kept."""

from __future__ import annotations

import ast
import re
from typing import Callable

import pytest
from clones import FIXTURES

from ffl_plugin.patching import Recipe
from ffl_plugin.patching.recipe import Import
from ffl_plugin.patching.rewrite import add_edits, take_out
from ffl_plugin.patching.source import Source


def with_bom(data: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data


def with_crlf(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


def with_cr(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r")


def with_mixed_line_ends(data: bytes) -> bytes:
    return b"".join(
        line.replace(b"\n", b"\r\n") if number % 3 else line
        for number, line in enumerate(data.splitlines(keepends=True))
    )


def with_tabs(data: bytes) -> bytes:
    return re.sub(rb"(?m)^(?: {4})+", lambda match: b"\t" * (len(match.group()) // 4), data)


def with_two_spaces(data: bytes) -> bytes:
    return re.sub(rb"(?m)^(?: {4})+", lambda match: b"  " * (len(match.group()) // 4), data)


def with_latin_1(data: bytes) -> bytes:
    return b"# -*- coding: latin-1 -*-\n# \xe9t\xe9\n" + data


def with_shebang_and_cookie(data: bytes) -> bytes:
    return b"#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\nPRICE = '\x80 5'\n" + data


def with_wide_characters_on_our_lines(data: bytes) -> bytes:
    return data.replace(b"super().__init__()", "super().__init__(); é = '日本'".encode())


def without_final_newline(data: bytes) -> bytes:
    return data.rstrip(b"\n")


def with_form_feeds(data: bytes) -> bytes:
    return data.replace(b"\nclass ", b"\n\x0c\n\x0cclass ")


def with_trailing_white_space(data: bytes) -> bytes:
    return re.sub(rb"(?m)([\w)\]])$", rb"\1  ", data)


FORMS = {
    function.__name__: function
    for function in (
        with_bom,
        with_crlf,
        with_cr,
        with_mixed_line_ends,
        with_tabs,
        with_two_spaces,
        with_latin_1,
        with_shebang_and_cookie,
        with_wide_characters_on_our_lines,
        without_final_newline,
        with_form_feeds,
        with_trailing_white_space,
    )
}
FORMS["with_bom_and_crlf"] = lambda data: with_bom(with_crlf(data))
FORMS["with_tabs_and_crlf_without_final_newline"] = lambda data: with_crlf(
    without_final_newline(with_tabs(data))
)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_form_is_kept(recipe: Recipe, form: Callable[[bytes], bytes]) -> None:
    for file in recipe.files:
        old = form((FIXTURES / recipe.name / file.path).read_bytes())
        ast.parse(old)
        new = add_edits(Source(old, file.path), file.edits)
        ast.parse(new)
        added = _added_lines(old, new)
        assert added
        assert _line_ends(b"".join(added)) <= _line_ends(old)
        assert old.startswith(b"\xef\xbb\xbf") == new.startswith(b"\xef\xbb\xbf")
        assert old.endswith((b"\n", b"\r")) == new.endswith((b"\n", b"\r"))
        if form is with_tabs:
            assert not any(line.startswith(b" ") for line in added)
        assert take_out(Source(new, file.path), file.edits) == old


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"# a comment",
        b"#!/usr/bin/env python\r\n# -*- coding: utf-8 -*-\r\n",
        b"\xef\xbb\xbf",
        b"\n \n",
    ],
)
def test_an_import_into_a_file_without_statements(data: bytes) -> None:
    edits = (Import("from ffl_plugin.integrations import torch2 as ffl"),)
    new = add_edits(Source(data, "dnnlib/__init__.py"), edits)
    assert [type(node) for node in ast.parse(new).body] == [ast.ImportFrom]
    assert take_out(Source(new, "dnnlib/__init__.py"), edits) == data


def _added_lines(old: bytes, new: bytes) -> list[bytes]:
    known = set(old.splitlines(keepends=True))
    return [line for line in new.splitlines(keepends=True) if line not in known]


def _line_ends(data: bytes) -> set[bytes]:
    return set(re.findall(rb"\r\n|\r|\n", data))
