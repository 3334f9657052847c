"""Pages from templates: every value escaped, control characters shown, nothing missing passed over."""

from __future__ import annotations

from typing import Any

from ffl_plugin.metrics.difference import IMPROVED, WORSE
from ffl_plugin.report import words


def render(template: str, package: str = "ffl_plugin.report", **values: Any) -> str:
    """Fill in a template of a package; templates of the report are there for all of them."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(name) for name in (package, "ffl_plugin.report")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        finalize=_finalize,
    )
    environment.filters["class_of"] = lambda outcome: outcome if outcome in (IMPROVED, WORSE) else "none"
    environment.globals["words"] = words
    return environment.get_template(template).render(**values)


def markup(svg: str) -> Any:
    """Our own drawing, made from numbers and escaped words: the only thing that enters a page as it is."""
    from markupsafe import Markup

    return Markup(svg)


def _finalize(value: Any) -> Any:
    return words.readable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
