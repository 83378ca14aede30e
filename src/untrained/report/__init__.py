"""A run's folder -> what the viewer shows -> a self-contained page, a figure, an animation."""

from untrained.report.model import View, ViewRun, describe_settings, view_of_run
from untrained.report.pictures import RunPictures, Shown, as_png

__all__ = ["RunPictures", "Shown", "View", "ViewRun", "as_png", "describe_settings", "view_of_run"]
