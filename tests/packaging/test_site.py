"""The site builds without a warning, and one of the gallery's notebooks runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIRED = bool(os.environ.get("UNTRAINED_REQUIRE_SITE"))
RUN_AS_NOTEBOOK = "plot_13_ct"  # the quickest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def need(*modules: str) -> None:
    """Skip where one of them is missing; fail where the site is required."""
    for module in modules:
        try:
            __import__(module)
        except ModuleNotFoundError:
            if REQUIRED:
                pytest.fail(f"{module} is missing, and UNTRAINED_REQUIRE_SITE is set")
            pytest.skip(f"needs untrained[docs] ({module})")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a site that was built of a copy, its gallery not executed."""
    need("sphinx", "pydata_sphinx_theme", "sphinx_gallery", "myst_parser")
    copy = tmp_path_factory.mktemp("site")
    unmade = shutil.ignore_patterns("_build", "_gallery", "theory", "recipes.md", "api.md")
    shutil.copytree(ROOT / "docs", copy / "docs", ignore=unmade)
    for name in ("CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, copy)
    done = subprocess.run(
        [
            sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html",
            "-D", "plot_gallery=0", "docs", "html",
        ],
        cwd=copy, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return copy


def test_every_page_and_example_is_there(site: Path) -> None:
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")} | {"recipes", "api"}
    examples = {script.stem for script in (ROOT / "docs/gallery").glob("plot_*.py")}
    assert len(examples) >= 12
    for name in pages:
        assert (site / "html" / f"{name}.html").is_file(), name
    for name in examples:
        assert (site / "html/_gallery" / f"{name}.html").is_file(), name
        assert (site / "docs/_gallery" / f"{name}.ipynb").is_file(), name


def test_the_pages_that_are_made_say_what_the_package_has(site: Path) -> None:
    import untrained
    from untrained.recipes import RECIPES

    api = (site / "html/api.html").read_text(encoding="utf-8")
    recipes = (site / "html/recipes.html").read_text(encoding="utf-8")
    rooms = {"operators", "networks", "objectives", "noise", "fitting", "recipes", "__version__"}
    named = set(re.findall(r'class="sig sig-object py" id="untrained\.(\w+)"', api))
    assert set(untrained.__all__) - rooms - named == set()
    for task, known in RECIPES.items():
        for name in known:
            assert f"{task}/{name}" in recipes


def test_one_of_the_gallery_runs_as_a_notebook(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("nbclient", "ipykernel", "nbformat")
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    path = site / "docs/_gallery" / f"{RUN_AS_NOTEBOOK}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute(cwd=str(tmp_path))
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert not [out for out in outputs if out["output_type"] == "error"]
    assert any("image/png" in out.get("data", {}) for out in outputs), json.dumps(outputs)[:500]
