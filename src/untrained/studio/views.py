"""The run of a job as the viewer sees it, and its report."""

from __future__ import annotations

import re
from typing import Any

from fastapi import HTTPException
from fastapi.responses import Response

from untrained.callbacks.jsonl import read_json_lines
from untrained.studio.app import Studio
from untrained.studio.describe import settings_of
from untrained.studio.extending import run_of
from untrained.studio.models import JobRequest
from untrained.studio.queue import Entry

__all__ = ["report_of", "view_of"]

_POINTS = 1000


def view_of(studio: Studio, entry: Entry) -> dict[str, Any]:
    """Return a `ViewRun` whose pictures are addresses of this server."""
    request = JobRequest.model_validate(entry.request)
    base, state = f"/api/jobs/{entry.id}", entry.state
    facts = studio.queue.picture(request.picture) or {"width": 0, "height": 0}
    width, height = state.get("width") or facts["width"], state.get("height") or facts["height"]
    layers = {"observed": _layer("Observed", f"{base}/observed.png", facts)}
    if entry.status in ("finished", "stopped") and state.get("stop_reason"):
        size = {"width": width, "height": height}
        layers["estimate"] = _layer("Estimate", f"{base}/estimate.png", size)
    truth = studio.queue.picture(request.truth) if request.truth else None
    if truth:
        layers["truth"] = _layer("Truth", f"{base}/truth.png", truth)
    run = run_of(studio.workspace, entry.id)
    lines = read_json_lines(run.metrics) if run is not None and run.metrics.exists() else []
    files = sorted((run.path / "snapshots").glob("step-*.png")) if run else []
    steps = [int(re.sub(r"\D", "", path.stem)) for path in files]
    thin = lines[:: max(1, len(lines) // _POINTS)]
    scored = [line for line in lines if "psnr_truth" in line]
    return {
        "id": entry.id, "title": state["picture_name"], "task": request.task,
        "recipe": request.recipe, "status": entry.status, "layers": layers, "overlays": [],
        "snapshots": [
            {"step": step, "src": f"{base}/snapshots/{step}.png", "width": width, "height": height}
            for step in steps
        ],
        "history": {
            "step": [line["step"] for line in thin],
            "loss": [line["loss"] for line in thin],
            "psnr_observed": [line["psnr_observed"] for line in thin],
            "truth_step": [line["step"] for line in scored],
            "psnr_truth": [line["psnr_truth"] for line in scored],
            "psnr_truth_iterate": [line["psnr_truth_iterate"] for line in scored],
        },
        "stop": None, "peak": None, "facts": [],
        "settings": [s.model_dump() for s in settings_of(studio.requests.recipe(request))],
        "notes": [], "command": state["command"], "python": "",
    }  # fmt: skip


def report_of(studio: Studio, entry: Entry) -> Response:
    """Return the report of a job."""
    raise HTTPException(404, "there is no report yet")


def _layer(label: str, src: str, facts: dict[str, Any]) -> dict[str, Any]:
    return {"label": label, "src": src, "width": facts["width"], "height": facts["height"]}
