"""Pages from templates: values are escaped, control characters shown, and missing values are errors."""

from __future__ import annotations

from typing import Any

from ffl_plugin.metrics.uncertainty import IMPROVED, WORSE
from ffl_plugin.report import formatting


def render(template: str, package: str = "ffl_plugin.report", **values: Any) -> str:
    """Render a template of a package, which may use the report's templates."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(name) for name in (package, "ffl_plugin.report")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        finalize=_finalize,
    )
    environment.filters["class_of"] = lambda outcome: outcome if outcome in (IMPROVED, WORSE) else "none"
    environment.globals["formatting"] = formatting
    return environment.get_template(template).render(**values)


def markup(svg: str) -> Any:
    """Mark a figure drawn by this package as safe: the only unescaped part of a page."""
    from markupsafe import Markup

    return Markup(svg)


def _finalize(value: Any) -> Any:
    return formatting.readable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
