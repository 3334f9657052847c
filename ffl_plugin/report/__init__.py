"""Reports of before/after comparisons: a table, JSON, and a self-contained page.

comparison = compare(real="faces.zip", before="runs/a-images", after="runs/b-images")
print(to_text(comparison))
write_report(comparison, Path("report"))
"""

from __future__ import annotations

from ffl_plugin.metrics.uncertainty import Difference
from ffl_plugin.report.compare import compare
from ffl_plugin.report.inputs import MeasurementSettings
from ffl_plugin.report.model import Comparison, Verdict
from ffl_plugin.report.outputs import check_folder, write_report
from ffl_plugin.report.table import to_csv, to_text

__all__ = [
    "Comparison",
    "Difference",
    "MeasurementSettings",
    "Verdict",
    "check_folder",
    "compare",
    "to_csv",
    "to_text",
    "write_report",
]
