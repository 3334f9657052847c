"""A parameter in signatures of every shape: as its author would write it, and out again."""

from __future__ import annotations

import pytest
from pieces import block

from ffl_plugin.patching.recipe import Param
from ffl_plugin.patching.rewrite import add_edits, remove_edits
from ffl_plugin.patching.source import Source

EDIT = Param("f", "ffl_options=None", comment="Focal frequency loss")

REWRITTEN = {
    "no parameter": ("def f():\n    pass\n", "def f(ffl_options=None):\n    pass\n"),
    "one line": ("def f(a, b=1): pass\n", "def f(a, b=1, ffl_options=None): pass\n"),
    "one line, trailing comma": ("def f(a, b=1,): pass\n", "def f(a, b=1, ffl_options=None,): pass\n"),
    "keywords": ("def f(a, **kwargs): pass\n", "def f(a, ffl_options=None, **kwargs): pass\n"),
    "keywords without a space": ("def f(a,**kwargs): pass\n", "def f(a,ffl_options=None,**kwargs): pass\n"),
    "keywords behind two spaces": (
        "def f(a,  **kwargs): pass\n",
        "def f(a,  ffl_options=None,  **kwargs): pass\n",
    ),
    "keywords on the next line": (
        "def f(a,\n      **kwargs): pass\n",
        "def f(a,\n      ffl_options=None, **kwargs): pass\n",
    ),
    "keywords only": ("def f(**kwargs): pass\n", "def f(ffl_options=None, **kwargs): pass\n"),
    "arguments": ("def f(a, *args): pass\n", "def f(a, *args, ffl_options=None): pass\n"),
    "arguments and keywords": (
        "def f(a, *args, **kwargs): pass\n",
        "def f(a, *args, ffl_options=None, **kwargs): pass\n",
    ),
    "keyword only": ("def f(a, *, b): pass\n", "def f(a, *, b, ffl_options=None): pass\n"),
    "positional only": ("def f(a, b=1, /): pass\n", "def f(a, b=1, /, ffl_options=None): pass\n"),
    "annotated": (
        "def f(a: int, b: 'dict[str, int]' = {'x': 1}) -> None: pass\n",
        "def f(a: int, b: 'dict[str, int]' = {'x': 1}, ffl_options=None) -> None: pass\n",
    ),
    "defaults with commas and parentheses": (
        "def f(a=(1, 2), b=g(')', [3, 4])): pass\n",
        "def f(a=(1, 2), b=g(')', [3, 4]), ffl_options=None): pass\n",
    ),
    "lines filled": (
        """
        def f(a, b,
              c, d=1):
            pass
        """,
        """
        def f(a, b,
              c, d=1, ffl_options=None):
            pass
        """,
    ),
    "one per line, trailing comma and comment": (
        """
        def f(
            a=1, # first
            b=2, # second
        ):
            pass
        """,
        """
        def f(
            a=1, # first
            b=2, # second
            ffl_options=None, # Focal frequency loss
        ):
            pass
        """,
    ),
    "one per line, aligned": (
        """
        def f(
            a        = 1,  # first
            long_one = 2,  # second
        ):
            pass
        """,
        """
        def f(
            a        = 1,  # first
            long_one = 2,  # second
            ffl_options = None,  # Focal frequency loss
        ):
            pass
        """,
    ),
    "one per line, widely aligned": (
        """
        def f(
            a                  = 1,
            quite_a_long_name  = 2,
        ):
            pass
        """,
        """
        def f(
            a                  = 1,
            quite_a_long_name  = 2,
            ffl_options        = None,
        ):
            pass
        """,
    ),
    "one per line, no trailing comma": (
        """
        def f(
            a,
            b=2  # second
        ):
            pass
        """,
        """
        def f(
            a,
            b=2,  # second
            ffl_options=None  # Focal frequency loss
        ):
            pass
        """,
    ),
    "one per line, parenthesis behind the last": (
        """
        def f(
                a,
                b=2):
            pass
        """,
        """
        def f(
                a,
                b=2,
                ffl_options=None):
            pass
        """,
    ),
    "one per line, comma and parenthesis behind the last": (
        """
        def f(
                a,
                b=2,):
            pass
        """,
        """
        def f(
                a,
                b=2,
                ffl_options=None,):
            pass
        """,
    ),
    "one per line, keywords last": (
        """
        def f(
            a=1,  # first
            **kwargs,  # the rest
        ):
            pass
        """,
        """
        def f(
            a=1,  # first
            ffl_options=None,  # Focal frequency loss
            **kwargs,  # the rest
        ):
            pass
        """,
    ),
    "stacked under the first": (
        """
        def f(a,
              b=2):
            pass
        """,
        """
        def f(a,
              b=2,
              ffl_options=None):
            pass
        """,
    ),
    "a blank line before def": (
        """
        @decorate(1)

        def f(a):
            pass
        """,
        """
        @decorate(1)

        def f(a, ffl_options=None):
            pass
        """,
    ),
    "async": ("async def f(a): pass\n", "async def f(a, ffl_options=None): pass\n"),
    "no space": ("def f(a,b=1):pass\n", "def f(a,b=1, ffl_options=None):pass\n"),
    "nested function in the default": (
        "def f(a=lambda x, y=1: (x, y)): pass\n",
        "def f(a=lambda x, y=1: (x, y), ffl_options=None): pass\n",
    ),
    "backslash": (
        "def f(a, \\\n      b=1): pass\n",
        "def f(a, \\\n      b=1,\n      ffl_options=None): pass\n",
    ),
}


@pytest.mark.parametrize(("old", "new"), REWRITTEN.values(), ids=REWRITTEN)
def test_rewritten(old: str, new: str) -> None:
    old, new = block(old), block(new)
    assert add_edits(Source(old.encode(), "file"), (EDIT,)).decode() == new
    assert remove_edits(Source(new.encode(), "file"), (EDIT,)).decode() == old


TAKEN_OUT_AFTER_OTHER_EDITS = {
    "more parameters behind": (
        "def f(a, ffl_options=None, mine=3): pass\n",
        "def f(a, mine=3): pass\n",
    ),
    "moved to the front": ("def f(ffl_options=None, a=1): pass\n", "def f(a=1): pass\n"),
    "made keyword only": ("def f(a, *, b, ffl_options=None): pass\n", "def f(a, *, b): pass\n"),
    "exploded by black": (
        """
        def f(
            a,
            b=1,
            ffl_options=None,
        ):
            pass
        """,
        """
        def f(
            a,
            b=1,
        ):
            pass
        """,
    ),
    "joined by black": (
        """
        def f(
            a, b=1, ffl_options=None
        ):
            pass
        """,
        """
        def f(
            a, b=1
        ):
            pass
        """,
    ),
    "a comment between": (
        "def f(a, # mine\n      ffl_options=None): pass\n",
        "def f(a # mine\n      ): pass\n",
    ),
    "a line of its own between others": (
        """
        def f(a,
              ffl_options=None,
              b=2): pass
        """,
        """
        def f(a,
              b=2): pass
        """,
    ),
}


@pytest.mark.parametrize(
    ("edited", "expected"), TAKEN_OUT_AFTER_OTHER_EDITS.values(), ids=TAKEN_OUT_AFTER_OTHER_EDITS
)
def test_taken_out_after_other_edits(edited: str, expected: str) -> None:
    edited, expected = block(edited), block(expected)
    assert remove_edits(Source(edited.encode(), "file"), (EDIT,)).decode() == expected
