"""Forms of a file that the parser does not show."""

from __future__ import annotations

import re


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
