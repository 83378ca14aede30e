"""The package as others get it: its version, how it is cited, what `./dev` says, the wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

import untrained

ROOT = Path(__file__).parents[2]
SHIPPED = ("LICENSE", "README.md", "pyproject.toml", "src")


def test_a_tagged_commit_has_the_version_of_its_tag() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc|\.dev)\d+)?", untrained.__version__)
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no repository here")
    tags = subprocess.run(
        ["git", "tag", "--points-at", "HEAD", "v*"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout.split()  # fmt: skip
    assert tags in ([], [f"v{untrained.__version__}"])


def test_the_citation_is_one() -> None:
    """What the Citation File Format 1.2 requires, and what has to agree with the package."""
    said = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert said["cff-version"] == "1.2.0"
    assert said["message"]
    assert said["type"] == "software"
    assert said["title"] == project["name"]
    assert said["version"] == untrained.__version__
    assert said["license"] == project["license"]
    assert said["abstract"].rstrip(".") == project["description"].rstrip(".")
    assert said["authors"] == project["authors"]
    for reference in said["references"]:
        assert {"type", "title", "authors", "year"} <= reference.keys()
        for author in reference["authors"]:
            assert author.keys() <= {"family-names", "given-names", "name"}
        for identifier in reference["identifiers"]:
            assert re.fullmatch(r"arXiv:\d{4}\.\d{5}", identifier["value"])


def test_dev_is_a_script_and_names_its_jobs() -> None:
    script = (ROOT / "dev").read_text(encoding="utf-8")
    shell = shutil.which("sh")
    if shell is None:
        pytest.skip("no shell here")
    subprocess.run([shell, "-n", ROOT / "dev"], check=True)
    said = subprocess.run([shell, ROOT / "dev"], capture_output=True, text=True, check=False)
    assert said.returncode == 2
    jobs = set(re.findall(r"^([a-z]+)\)$", script, flags=re.M))
    assert jobs >= {"demo", "test", "docs", "setup"}
    assert set(re.findall(r"\./dev ([a-z]+)", said.stdout)) == jobs


def test_the_readme_is_short_and_its_files_are_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 100
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_every_extra_of_ours_is_held() -> None:
    """What CI installs has a version in constraints.txt, so that it is the same tomorrow."""
    held = {
        _plain(line.split("==")[0])
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    }
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    wanted = {
        _plain(re.split(r"[\[<>=~!]", line)[0])
        for extra in ("test", "docs", "dev", "napari")
        for line in extras[extra]
    }
    assert wanted - held - {"untrained"} == set()


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_wheel_runs_where_there_is_nothing_else(tmp_path: Path) -> None:
    """Built without a repository, installed into an empty environment, run without node."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, tree / name, ignore=unwanted)
        else:
            shutil.copy(ROOT / name, tree)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, tree],
        env=environment, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.startswith(f"untrained-{untrained.__version__}-py3-none-any")
    archive = zipfile.ZipFile(wheel)
    names = archive.namelist()
    assert not [name for name in names if not name.startswith("untrained")]
    (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    page = archive.read(metadata).decode()
    assert "# untrained" in page
    assert "`docs/measurements.md`" in page
    assert re.findall(r"\]\((?!https:)[^)]*", page) == [], (
        "links that a package index cannot follow"
    )
    for wanted in ("py.typed", "napari_plugin/napari.yaml", "studio/static/index.html"):
        assert f"untrained/{wanted}" in names

    venv.create(tmp_path / "empty", with_pip=True)
    binaries = tmp_path / "empty" / ("Scripts" if os.name == "nt" else "bin")
    constraints = ROOT / "constraints.txt"
    subprocess.run(
        [binaries / "python", "-m", "pip", "install", "-q", "-c", constraints, wheel],
        env=environment, check=True, capture_output=True,
    )  # fmt: skip
    done = subprocess.run(
        [binaries / "untrained", "demo", "--steps", "5", "--side", "64", "-o", "out"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PATH": str(binaries), "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/restored.png").is_file()
