"""The site: `./dev docs` builds it into docs/_build/html; warnings are errors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import site_pages  # noqa: E402

from untrained import __version__  # noqa: E402

project = "untrained"
author = "The untrained developers"
copyright = "the untrained developers, Apache-2.0"  # noqa: A001
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx-mathjax-offline",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = [
    "_build", "results", "examples", "screenshots", "images", "gallery",
]  # fmt: skip
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
# Pages of the repository link to its files; on the site these are no pages.
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure", "config.cache"]

autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": False}
napoleon_google_docstring = True
napoleon_use_ivar = True

sphinx_gallery_conf = {
    "examples_dirs": ["gallery"],
    "gallery_dirs": ["_gallery"],
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"(conf|__init__)\.py",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "remove_config_comments": True,
    "min_reported_time": 5,
    "capture_repr": (),
    "thumbnail_size": (640, 300),
    "abort_on_example_error": True,
    "image_scrapers": ("matplotlib",),
    "matplotlib_animations": False,
    "reset_modules": ("matplotlib",),
    "show_memory": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "untrained"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "show_nav_level": 1,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 5,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {
    page: [] for page in (
        "index", "how-it-works", "recipes", "api", "scans", "napari", "imagej", "own-parts", "deepinv",
        "measurements", "ambiguities", "design", "contributing", "studio-api",
        "studio-findings", "changelog",
    )
}  # fmt: skip


def _keep_bars(app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Let |r| in a docstring be the modulus, and no substitution."""
    lines[:] = [line.replace("|", "\\|") for line in lines]


def setup(app: Any) -> None:
    """Write the pages that are made of the package itself, before anything is read."""
    app.connect("autodoc-process-docstring", _keep_bars)
    app.connect("builder-inited", _write_pages)


def _write_pages(app: Any) -> None:
    """Without the gallery (`-D plot_gallery=0`) the theory's figures are drafts, too."""
    site_pages.write(HERE, draft=str(app.config.plot_gallery) in ("0", "False"))
