"""What docs/batch.md gives to clusters, as far as it can be tried here: container, job.

The commands of the container file are those of the wheel's test: what it copies is what is shipped,
into an empty environment, with the versions that are held.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from untrained.cli import app

ROOT = Path(__file__).parents[2]


@pytest.fixture
def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "docs/Containerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in found)]


def test_the_container_has_what_a_wheel_is_made_of(instructions: list[tuple[str, str]]) -> None:
    copied = {
        name for word, rest in instructions if word == "COPY" for name in rest.split()[:-1]
    }  # fmt: skip
    assert copied == {"LICENSE", "README.md", "pyproject.toml", "src", "constraints.txt"}
    assert all((ROOT / name).exists() for name in copied)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    readme = settings["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["fragments"]
    read = {part["path"] for part in readme if "path" in part}
    assert read | set(settings["project"]["license-files"]) <= copied


def test_the_containers_commands_are_commands(instructions: list[tuple[str, str]]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    runs = [rest for word, rest in instructions if word == "RUN"]
    shell = shutil.which("sh")
    if shell is not None:
        subprocess.run([shell, "-n", "-c", "\n".join(runs)], check=True)
    extras = re.findall(r"/src\[([a-z,]+)\]", " ".join(runs))
    assert extras
    assert set(extras[0].split(",")) <= set(project["optional-dependencies"])
    (command,) = [rest for word, rest in instructions if word == "CMD"]
    assert yaml.safe_load(command)[0] in project["scripts"]
    assert [word for word, _ in instructions[:2]] == ["ARG", "FROM"]


def test_the_job_of_kubernetes_is_one() -> None:
    """The fields of KubeRay's RayJob, v1; its entrypoint is a command that there is."""
    text = (ROOT / "docs/batch.md").read_text(encoding="utf-8")
    (job,) = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.S))
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    known = {"entrypoint", "shutdownAfterJobFinishes", "backoffLimit", "rayClusterSpec"}
    assert set(job["spec"]) <= known
    cluster = job["spec"]["rayClusterSpec"]
    assert set(cluster) == {"enableInTreeAutoscaling", "headGroupSpec", "workerGroupSpecs"}
    (group,) = cluster["workerGroupSpecs"]
    assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    cores = int(group["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"])
    words = job["spec"]["entrypoint"].split()
    assert words[:2] == ["untrained", "batch"]
    _, bound, _ = app.parse_args(words[1:], print_error=False, exit_on_error=False)
    assert bound.arguments["workers"] == group["maxReplicas"] * cores
    head = cluster["headGroupSpec"]["template"]["spec"]
    mounts = {x["mountPath"] for x in head["containers"][0]["volumeMounts"]}
    assert str(bound.arguments["state"]) in mounts
