"""Jobs over HTTP, in a real server with a real worker."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tifffile
from studio_server import Server, file_of, noisy, pixels_of, served

from untrained.images import Picture, blended, read_picture, with_orientation, write_picture
from untrained.images.orientation import as_stored

Scene = Callable[..., Any]
TINY = {"max_steps": 30, "network.widths": [8, 8]}
LONG = {"max_steps": 20000, "network.widths": [8, 8], "stopper": "FixedSteps"}
EXAMPLE = Path(__file__).parents[2] / "examples" / "studio_client.py"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("studio") / "workspace") as server:
        yield server


@pytest.fixture(scope="module")
def picture(server: Server, scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> str:
    data = file_of(tmp_path_factory.mktemp("files"), "in.png", noisy(scene(32, 40)))
    return str(server.upload("holiday.png", data)["id"])


def test_a_job_gives_what_the_command_gives(
    server: Server, picture: str, tmp_path: Path, untrained: Callable[..., Any], scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    job = server.start(picture, settings=TINY, options={"sigma": 15})
    done = server.wait(job["id"])
    assert done["status"] == "finished", done
    assert (done["step"], done["stop_reason"]) == (30, "max_steps")
    assert (done["width"], done["height"]) == (40, 32)
    answer = server.client.get(f"/api/jobs/{job['id']}/result")
    assert 'filename="holiday-denoise.png"' in answer.headers["content-disposition"]

    (tmp_path / "holiday.png").write_bytes(file_of(tmp_path, "holiday.png", noisy(scene(32, 40))))
    words = job["command"].split()
    assert words[:2] == ["untrained", "denoise"]
    ran = untrained(*words[1:])  # with one thread, as the worker has of its environment
    assert ran.returncode == 0, ran.stderr
    theirs = read_picture(tmp_path / "holiday-denoise.png").pixels[0]
    np.testing.assert_array_equal(pixels_of(answer.content), theirs)
    np.testing.assert_array_equal(pixels_of(server.get(job["id"], "estimate.png")), theirs)

    view = json.loads(server.get(job["id"], "view"))
    assert view["status"] == "finished"
    assert view["title"] == "holiday.png"
    assert view["history"]["step"] == list(range(1, 31))
    for shown in (*view["layers"].values(), *view["snapshots"]):
        image = pixels_of(server.client.get(shown["src"]).content)
        assert image.shape[:2] == (shown["height"], shown["width"])
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(view["python"], "the view's Python", "exec"), names)
    assert names["outcome"].status == "skipped", "the command has made the same result"


def test_stop_keeps_the_best_and_resume_ends_as_if_nothing_had_been(
    server: Server, picture: str
) -> None:
    settings = {**TINY, "max_steps": 300, "stopper": "FixedSteps"}
    whole = server.wait(server.start(picture, settings=settings)["id"])
    job = server.start(picture, settings=settings)
    server.wait(job["id"], "running", step=30)
    server.do(job["id"], "stop")
    stopped = server.wait(job["id"])
    assert stopped["status"] == "stopped"
    assert 30 <= stopped["step"] < 300
    assert pixels_of(server.get(job["id"], "result")).shape == (32, 40, 3)
    server.do(job["id"], "resume")
    assert server.wait(job["id"], "finished")["step"] == 300
    assert server.get(job["id"], "result") == server.get(whole["id"], "result")


def test_the_estimate_is_watched(server: Server, picture: str) -> None:
    job = server.start(picture, settings=LONG)
    server.wait(job["id"], "running", step=10)
    first = pixels_of(server.get(job["id"], "latest.png"))
    assert first.shape == (32, 40, 3)
    step = server.job(job["id"])["step"]
    for _ in range(60):
        again = pixels_of(server.get(job["id"], f"latest.png?step={step}"))
        if not np.array_equal(first, again):
            break
        server.wait(job["id"], "running", step=step + 1)
    else:
        pytest.fail("the image did not change")
    assert server.client.delete(f"/api/jobs/{job['id']}").status_code == 204
    assert server.client.get(f"/api/jobs/{job['id']}").status_code == 404
    assert job["id"] not in {j["id"] for j in server.client.get("/api/jobs").json()}


def test_extend_goes_on_where_the_fit_ended(server: Server, picture: str) -> None:
    settings = {**TINY, "stopper.patience": 10, "max_steps": 200}
    base = server.wait(server.start(picture, settings=settings)["id"])
    assert base["stop_reason"] == "held_out"
    more = server.do(base["id"], "extend", steps=40)
    assert more["extended"] == base["id"]
    done = server.wait(more["id"], "finished")
    assert done["step"] == done["kept_step"] == base["step"] + 40
    assert done["stop_reason"] == "max_steps"
    view = json.loads(server.get(more["id"], "view"))
    before = json.loads(server.get(base["id"], "view"))["history"]["loss"]
    assert view["history"]["loss"][: len(before)] == before
    assert len(view["history"]["loss"]) == done["step"]
    assert server.get(more["id"], "result") != server.get(base["id"], "result")
    assert any("stop rule off" in note for note in view["notes"])


def test_the_report_may_show_itself(server: Server, picture: str) -> None:
    job = server.wait(server.start(picture, settings=TINY)["id"])
    answer = server.client.get(f"/api/jobs/{job['id']}/report.html")
    assert answer.status_code == 200
    assert "holiday.png" in answer.text
    assert "picture.png" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "'sha256-" in policy
    assert "unsafe" not in policy


def test_an_earlier_step_is_taken(server: Server, picture: str) -> None:
    job = server.wait(server.start(picture, settings=TINY)["id"])
    original = server.get(job["id"], "result")
    view = json.loads(server.get(job["id"], "view"))
    snapshot = view["snapshots"][1]
    assert snapshot["step"] < job["kept_step"]
    taken = server.do(job["id"], "take", step=snapshot["step"])
    assert taken["taken_step"] == snapshot["step"]
    wanted = pixels_of(server.client.get(snapshot["src"]).content)
    for what in ("result", "estimate.png"):
        np.testing.assert_array_equal(pixels_of(server.get(job["id"], what)), wanted)
    view = json.loads(server.get(job["id"], "view"))
    assert any("taken by hand" in note for note in view["notes"])
    server.do(job["id"], "take", step=job["kept_step"])
    np.testing.assert_array_equal(pixels_of(server.get(job["id"], "result")), pixels_of(original))
    answer = server.client.post(f"/api/jobs/{job['id']}/take", json={"step": 7777})
    assert answer.status_code == 422
    assert answer.json() == {
        "detail": "there is no snapshot of step 7777; take one of those that are shown"
    }


@pytest.mark.parametrize("ending", ["finished", "stopped"])
def test_a_result_is_made_weaker_without_a_fit(
    server: Server, picture: str, scene: Scene, ending: str
) -> None:
    job = server.start(picture, settings=TINY if ending == "finished" else LONG)
    if ending == "stopped":
        server.wait(job["id"], "running", step=10)
        server.do(job["id"], "stop")
    done = server.wait(job["id"], ending)
    whole = pixels_of(server.get(job["id"], "result"))
    observed = noisy(scene(32, 40))
    weaker = server.do(job["id"], "strength", strength=0.5, colour_strength=0.2)
    assert (weaker["status"], weaker["step"]) == (ending, done["step"])
    assert weaker["options"]["strength"] == 0.5
    assert "--strength 0.5" in weaker["command"]
    wanted = blended(observed, whole, strength=0.5, colour_strength=0.2)
    src = json.loads(server.get(job["id"], "view"))["layers"]["estimate"]["src"]
    for content in (server.get(job["id"], "result"), server.client.get(src).content):
        np.testing.assert_array_equal(pixels_of(content), wanted)
    step = json.loads(server.get(job["id"], "view"))["snapshots"][0]["step"]
    server.do(job["id"], "take", step=step)
    taken = pixels_of(server.get(job["id"], f"snapshots/{step}.png"))
    wanted = blended(observed, taken, strength=0.5, colour_strength=0.2)
    np.testing.assert_array_equal(pixels_of(server.get(job["id"], "result")), wanted)
    server.do(job["id"], "take", step=done["kept_step"])
    server.do(job["id"], "strength", strength=1)
    np.testing.assert_array_equal(pixels_of(server.get(job["id"], "result")), whole)
    if ending == "stopped":
        server.do(job["id"], "strength", strength=0)
        server.do(job["id"], "resume")
        server.wait(job["id"], "running", step=done["step"] + 1)
        server.do(job["id"], "stop")
        server.wait(job["id"], "stopped")
        np.testing.assert_array_equal(pixels_of(server.get(job["id"], "result")), observed)


def test_only_what_has_a_strength_gets_one(server: Server, picture: str) -> None:
    job = server.start(picture, "upscale", settings={"max_steps": 3}, options={"factor": 2})
    server.wait(job["id"], "finished")
    answer = server.client.post(f"/api/jobs/{job['id']}/strength", json={"strength": 0.5})
    assert answer.status_code == 422
    assert "no strength" in answer.json()["detail"]


def test_many_results_are_one_zip(server: Server, scene: Scene, tmp_path: Path) -> None:
    data = file_of(tmp_path, "zip.png", noisy(scene(32, 40)))
    picture = str(server.upload("holiday.png", data)["id"])
    seeds = [server.start(picture, settings=TINY, seed=seed)["id"] for seed in (1, 2)]
    for id_ in seeds:
        server.wait(id_, "finished")
    query = {"ids": ",".join(seeds), "pattern": "{name} {recipe}"}
    answer = server.client.get("/api/results.zip", params=query)
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["holiday fast.png", "holiday fast-2.png"]
        assert [archive.read(name) for name in archive.namelist()] == [
            server.get(id_, "result") for id_ in seeds
        ]
    refused = server.client.get("/api/results.zip", params=query | {"pattern": "{date}"})
    assert refused.status_code == 422
    assert "{name}, {task}, {recipe}" in refused.json()["detail"]
    again = server.do(seeds[0], "as-picture")
    assert again["name"] == "holiday-denoise.png"
    assert (again["width"], again["height"]) == (40, 32)
    server.client.post("/api/jobs/delete", json={"ids": [*seeds, "0" * 16]}).raise_for_status()
    assert not {*seeds} & {job["id"] for job in server.client.get("/api/jobs").json()}


def test_a_waiting_job_goes_to_the_front(server: Server, scene: Scene, tmp_path: Path) -> None:
    data = file_of(tmp_path, "front.png", noisy(scene(32, 40)))
    picture = str(server.upload("front.png", data)["id"])
    running, *waiting = [server.start(picture, settings=LONG)["id"] for _ in range(4)]
    server.wait(running, "running")
    assert server.do(waiting[2], "front")["position"] == 1
    assert [server.job(id_)["position"] for id_ in waiting] == [2, 3, 1]
    assert server.client.post(f"/api/jobs/{running}/front").status_code == 409
    server.client.post("/api/jobs/delete", json={"ids": [*waiting, running]}).raise_for_status()


def test_depth_pages_and_metadata_come_back(server: Server, scene: Scene, tmp_path: Path) -> None:
    stack = np.stack([noisy(scene(24, 32, 1), seed, 4095)[..., 0] for seed in range(2)])
    path = tmp_path / "cells.tif"
    tifffile.imwrite(path, stack, resolution=(300, 300), description="of a cell")
    picture = server.upload("cells.tif", path.read_bytes())
    assert (picture["pages"], picture["depth"]) == (2, "uint16")
    job = server.wait(server.start(picture["id"], settings=TINY)["id"])
    assert job["status"] == "finished", job
    assert job["step"] == 60
    (tmp_path / "out.tif").write_bytes(server.get(job["id"], "result"))
    out = read_picture(tmp_path / "out.tif")
    assert out.pixels.shape == (2, 24, 32, 1)
    assert out.pixels.dtype == np.uint16
    assert out.pixels.max() < 6000
    assert out.metadata.resolution == read_picture(path).metadata.resolution
    for page in (1, 2):
        view = json.loads(server.get(job["id"], f"view?page={page}"))
        for layer in view["layers"].values():
            image = pixels_of(server.client.get(layer["src"]).content)
            assert image.mean() > 60, "12 of 16 bits are shown over the range of the fit"
    assert server.client.get(f"/api/jobs/{job['id']}/view?page=3").status_code == 404


def test_a_16_bit_step_is_taken_in_the_range_of_the_file(
    server: Server, scene: Scene, tmp_path: Path
) -> None:
    dark = noisy(scene(24, 32), white=4095)
    picture = server.upload("dark.png", file_of(tmp_path, "dark.png", dark))
    job = server.wait(server.start(picture["id"], settings=TINY)["id"])
    step = json.loads(server.get(job["id"], "view"))["snapshots"][-2]["step"]
    server.do(job["id"], "take", step=step)
    (tmp_path / "taken.png").write_bytes(server.get(job["id"], "result"))
    taken = read_picture(tmp_path / "taken.png").pixels[0]
    assert taken.dtype == np.uint16
    assert abs(float(taken.mean()) - float(dark.mean())) < 600


def test_a_job_that_cannot_be_done_says_why(server: Server, scene: Scene, tmp_path: Path) -> None:
    own = file_of(tmp_path, "own.png", noisy(scene(32, 40)))
    picture = server.upload("holiday.png", own)["id"]  # of no other test: it goes with its job
    mask = server.upload("mask.png", file_of(tmp_path, "m.png", np.full((9, 9), 255, np.uint8)))
    job = server.start(picture, "inpaint", files={"mask": mask["id"]})
    failed = server.wait(job["id"])
    assert failed["status"] == "failed"
    assert failed["error"].startswith("holiday.png: mask is 9x9, image is 32x40; ")
    answer = server.client.post(
        "/api/plan", json={"task": "inpaint", "picture": picture, "files": {"mask": mask["id"]}}
    )
    assert answer.status_code == 422
    assert failed["error"] == f"holiday.png: {answer.json()['detail']}"
    assert server.client.delete(f"/api/pictures/{mask['id']}").status_code == 409
    assert server.client.delete(f"/api/jobs/{job['id']}").status_code == 204
    for gone in (mask["id"], picture):
        assert server.client.get(f"/api/pictures/{gone}").status_code == 404, "with its last job"


def test_a_mask_lies_as_the_picture_is_shown(server: Server, scene: Scene, tmp_path: Path) -> None:
    pixels = noisy(scene(32, 32))
    turned = with_orientation(Picture.from_array(pixels), 6)
    write_picture(tmp_path / "phone.png", turned)
    picture = server.upload("phone.png", (tmp_path / "phone.png").read_bytes())
    drawn = np.full((32, 32), 255, np.uint8)
    drawn[2:9, 3:11] = 0
    file = file_of(tmp_path, "mask.png", drawn)
    painted = server.upload("mask.png", file, over=picture["id"])
    job = server.start(
        picture["id"], "inpaint", files={"mask": painted["id"]}, settings={**TINY, "max_steps": 8}
    )
    assert server.wait(job["id"])["status"] == "finished"
    (tmp_path / "out.png").write_bytes(server.get(job["id"], "result"))
    result = read_picture(tmp_path / "out.png").pixels[0]
    changed, hole = (result != pixels).any(-1), as_stored(drawn, 6) == 0
    assert (changed & hole).any()
    assert not (changed & ~hole).any()
    # a file from elsewhere is read as the command does: it was drawn over what is seen
    answer = server.client.post(
        f"/api/pictures/{picture['id']}/mask", files={"file": ("mask.png", file)}
    )
    (tmp_path / "read.png").write_bytes(answer.content)
    read = read_picture(tmp_path / "read.png").pixels[0, ..., 0]
    np.testing.assert_array_equal(read, drawn)  # shown upright, as the picture is
    assert answer.headers["X-Notes"].startswith("the mask was turned")
    wrong = file_of(tmp_path, "wrong.png", drawn[:20])
    answer = server.client.post(
        f"/api/pictures/{picture['id']}/mask", files={"file": ("wrong.png", wrong)}
    )
    assert (answer.status_code, answer.json()["detail"][:28]) == (
        422,
        "mask is 20x32, image is 32x3",
    )


def test_a_kernel_may_be_small(server: Server, picture: str, tmp_path: Path) -> None:
    write_picture(tmp_path / "k.npy", Picture.from_array(np.ones((3, 3))))
    kernel = server.upload("k.npy", (tmp_path / "k.npy").read_bytes(), kind="kernel")
    assert (kernel["width"], kernel["height"], kernel["kind"]) == (3, 3, "kernel")
    settings = {"max_steps": 20, "network.widths": [8, 8]}
    job = server.start(picture, "deblur", files={"kernel": kernel["id"]}, settings=settings)
    assert server.wait(job["id"])["status"] == "finished"


def test_a_plan_says_what_the_job_will_cost(server: Server, picture: str) -> None:
    request = {"task": "upscale", "picture": picture, "options": {"factor": 2},
               "settings": {"max_steps": 30}}  # fmt: skip
    answer = server.client.post("/api/plan", json=request)
    assert answer.status_code == 200, answer.text
    plan = answer.json()
    assert (plan["width"], plan["height"], plan["channels"]) == (80, 64, 3)
    assert plan["max_steps"] == 30
    assert plan["memory_bytes"] > 1e6


def test_many_jobs_and_ten_tabs(server: Server, picture: str) -> None:
    before = {job["id"] for job in server.client.get("/api/jobs").json()}
    heard: list[dict[str, str]] = [{} for _ in range(10)]
    ends = threading.Event()

    def listen(heard: dict[str, str]) -> None:
        with httpx.stream("GET", server.address + "api/events", timeout=60) as stream:
            for line in stream.iter_lines():
                if line.startswith("data: {"):
                    job = json.loads(line[6:])
                    heard[job["id"]] = job.get("status", "deleted")
                if ends.is_set() or sum(s == "finished" for s in heard.values()) >= wanted:
                    break

    settings = {"max_steps": 10, "network.widths": [8], "check_every": 5}
    wanted = sum(j["status"] == "finished" for j in server.client.get("/api/jobs").json()) + 12
    tabs = [threading.Thread(target=listen, args=(each,), daemon=True) for each in heard]
    for tab in tabs:
        tab.start()
    jobs = [server.start(picture, settings=settings, seed=seed)["id"] for seed in range(12)]
    assert len({*jobs} - before) == 12
    assert server.job(jobs[-1])["position"] is not None
    for tab in tabs:
        tab.join(200)  # they end by themselves
    ends.set()
    for each in heard:
        assert [each.get(id_) for id_ in jobs] == ["finished"] * 12
    started = [server.job(id_)["started"] for id_ in jobs]
    assert started == sorted(started), "first come, first served"


def test_a_queued_job_is_stopped_and_deleted(server: Server, picture: str) -> None:
    first = server.start(picture, settings=LONG)
    second, third = (server.start(picture, settings=TINY)["id"] for _ in range(2))
    assert [server.job(id_)["position"] for id_ in (second, third)][1] >= 2
    assert server.do(second, "stop")["status"] == "stopped"
    assert server.client.get(f"/api/jobs/{second}/result").status_code == 404
    assert server.client.delete(f"/api/jobs/{first['id']}").status_code == 204
    assert server.wait(third)["status"] == "finished"
    assert server.client.post(f"/api/jobs/{third}/stop").status_code == 409
    assert server.client.post(f"/api/jobs/{third}/resume").status_code == 409
    server.do(second, "resume")
    assert server.wait(second)["status"] == "finished"


def test_the_example_of_a_client_restores_a_picture(
    server: Server, tmp_path: Path, scene: Scene
) -> None:
    (tmp_path / "in.png").write_bytes(file_of(tmp_path, "in.png", noisy(scene(24, 24))))
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), server.address, "in.png", "out.png",
         "max_steps=20", "network.widths=8,8"],
        cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "finished" in done.stdout
    assert (tmp_path / "out.png").exists()
