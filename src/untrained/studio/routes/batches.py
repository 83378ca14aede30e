"""Batches: how far they are, and what they have made lately."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response

from untrained.errors import InputError
from untrained.studio.batches import Look
from untrained.studio.models import Batch, BatchResult
from untrained.studio.routes.common import WEBP, IdInPath, StudioOf, errors

router = APIRouter(prefix="/api/batches", tags=["batches"])


@router.get("", responses=errors())
def batches(studio: StudioOf) -> list[Batch]:
    """Return the batches of the workspace and of the folders that were given, the newest first."""
    found = []
    for id_, folder in studio.batches.folders().items():
        try:
            look = studio.batches.look(id_)
        except InputError as error:
            found.append(Batch(id=id_, name=folder.name, folder=str(folder), error=str(error)))
            continue
        if look is not None:
            found.append(_batch(id_, folder, look))
    return sorted(found, key=lambda batch: batch.updated or "", reverse=True)


@router.get("/{id}/thumbnail.webp", response_class=Response, responses=WEBP | errors(404, 422))
def thumbnail(
    studio: StudioOf, id_: IdInPath, key: Annotated[str, Query(max_length=400)]
) -> Response:
    """Return a small look at one of the latest outputs."""
    data = studio.batches.thumbnail(id_, key)
    if data is None:
        raise HTTPException(404, "there is no such output, or it cannot be shown")
    head = {"cache-control": "private, max-age=3600"}
    return Response(data, media_type="image/webp", headers=head)


def _batch(id_: str, folder: Path, look: Look) -> Batch:
    status = look.status
    when = None if look.last is None else datetime.fromtimestamp(look.last, UTC)
    return Batch(
        id=id_, name=folder.name, folder=str(folder), total=status["total"],
        done=status.get("done", 0), refused=status.get("refused", 0),
        failed=status.get("failed", 0), left=status["left"], at_work=status["at_work"],
        rate_per_second=status["rate_per_second"], seconds_left=status["seconds_left"],
        worker_seconds=status["worker_seconds"], reasons=status["reasons"],
        dashboard=look.dashboard, updated=None if when is None else when.isoformat(),
        latest=[
            BatchResult(
                key=line["key"], name=Path(str(line.get("target", ""))).name[-200:],
                seconds=line.get("seconds"), gain=line.get("gain"), at=float(line["at"]),
            )
            for line in look.latest
        ],
    )  # fmt: skip
