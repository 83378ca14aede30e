"""A run's folder -> what the viewer shows -> a self-contained page, a figure, an animation."""

from untrained.report.figure import write_figure
from untrained.report.html import Report, make_report, write_report
from untrained.report.model import View, ViewRun, describe_settings, view_of_run
from untrained.report.pictures import RunPictures, Shown, as_png
from untrained.report.scans import open_run
from untrained.report.video import write_video

__all__ = [
    "Report",
    "RunPictures",
    "Shown",
    "View",
    "ViewRun",
    "as_png",
    "describe_settings",
    "make_report",
    "open_run",
    "view_of_run",
    "write_figure",
    "write_report",
    "write_video",
]
