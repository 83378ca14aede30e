"""Scans in the studio: taken in, shown, reconstructed as the command does it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studio_server import Server, pixels_of, served

from untrained.scans import write_reconstruction
from untrained.simulation.scans import make_ct, make_mri


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("studio") / "workspace") as server:
        yield server


def as_npy(values: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


@pytest.fixture(scope="module")
def kspace() -> bytes:
    """Return a full scan of one slice, (1, coils, h, w), which needs no word on its axes."""
    return as_npy(make_mri(40, coils=4, generator=np.random.default_rng(0)).samples[None])


def test_a_scan_gives_what_the_command_gives(
    server: Server, kspace: bytes, tmp_path: Path, untrained: Callable[..., Any]
) -> None:
    picture = server.upload("head.npy", kspace)
    assert picture["kind"] == "scan"
    assert (picture["width"], picture["height"], picture["pages"]) == (40, 40, 1)
    look = pixels_of(server.client.get(f"/api/pictures/{picture['id']}/image.png").content)
    assert look.shape[:2] == (40, 40)
    assert look.max() > 200
    options = {"accelerate": 2}
    request = {"task": "mri", "picture": picture["id"], "options": options}
    plan = server.client.post("/api/plan", json={**request, "settings": {"max_steps": 20}})
    assert plan.status_code == 200, plan.text
    assert (plan.json()["tiles"], plan.json()["channels"]) == (1, 2)
    job = server.start(picture["id"], task="mri", options=options, settings={"max_steps": 20})
    done = server.wait(job["id"])
    assert done["status"] == "finished", done
    result = server.get(job["id"], "result")
    image = np.load(io.BytesIO(result))
    assert image.dtype == np.complex64

    view = json.loads(server.get(job["id"], "view"))
    assert view["layers"]["observed"]["label"] == "first look"
    for shown in (*view["layers"].values(), *view["snapshots"], *view["overlays"]):
        seen = pixels_of(server.client.get(shown["src"]).content)
        assert seen.shape[:2] == (shown["height"], shown["width"]) == (40, 40)
    assert "report" in server.get(job["id"], "report.html").decode().lower()
    taken = server.client.post(f"/api/jobs/{job['id']}/take", json={"step": 10})
    assert taken.status_code == 422
    assert "only looks were saved" in taken.json()["detail"]

    (tmp_path / "head.npy").write_bytes(kspace)
    words = job["command"].split()
    assert words[:2] == ["untrained", "mri"]
    ran = untrained(*words[1:])
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "head-mri.npy").read_bytes() == result


def test_a_pair_of_files_is_one_scan(server: Server, tmp_path: Path) -> None:
    image = np.arange(64 * 64).reshape(64, 64).astype(np.complex64)
    write_reconstruction(tmp_path / "a.cfl", image)
    numbers, header = ((tmp_path / f"a.{end}").read_bytes() for end in ("cfl", "hdr"))
    alone = server.client.post("/api/pictures", files={"file": ("a.cfl", numbers)})
    assert alone.status_code == 422
    assert "comes with a .hdr" in alone.json()["detail"]
    both = server.client.post(
        "/api/pictures", files={"file": ("a.cfl", numbers), "header": ("a.hdr", header)}
    )
    assert both.status_code == 201, both.text
    assert (both.json()["kind"], both.json()["width"]) == ("scan", 64)


def test_what_goes_with_scans_and_what_does_not(server: Server, kspace: bytes) -> None:
    tasks = {task["name"]: task for task in server.client.get("/api/tasks").json()}
    assert {name for name, task in tasks.items() if task["takes"] == "scan"} == {
        "mri", "series", "ct", "sensing",
    }  # fmt: skip
    assert tasks["mri"]["files"][0]["label"] != tasks["inpaint"]["files"][0]["label"]
    scan = server.upload("head.npy", kspace)
    refused = server.client.post(
        "/api/jobs", json={"task": "denoise", "picture": scan["id"], "options": {"sigma": 5}}
    )
    assert refused.status_code == 422
    assert "head.npy is a scan; wanted a picture" in refused.json()["detail"]
    mask = server.upload("mask.npy", as_npy(np.ones(39)), kind="scan")
    job = server.start(scan["id"], task="mri", files={"mask": mask["id"]})
    done = server.wait(job["id"])
    assert done["status"] == "failed"
    assert "mask.npy: a mask of (39,)" in done["error"], "with the name that the user knows"


def test_ct_from_counts(server: Server) -> None:
    made = make_ct(48, views=24, generator=np.random.default_rng(0))
    file = io.BytesIO()
    np.savez(
        file, data=made.counts[:, None], data_white=made.flat[:, None],
        data_dark=made.dark[:, None], theta=made.angles,
    )  # fmt: skip
    scan = server.upload("tooth.npz", file.getvalue())
    job = server.start(
        scan["id"], task="ct", options={"size": 48, "rings": "ignored"}, settings={"max_steps": 10}
    )
    done = server.wait(job["id"])
    assert done["status"] == "finished", done
    view = json.loads(server.get(job["id"], "view"))
    assert {"sinogram", "views", "angles", "units"} <= {fact["label"] for fact in view["facts"]}
    assert "--rings ignored" in job["command"]
