"""What a server holds: its workspace, queue, pictures, workers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from untrained.studio.batches import Batches
from untrained.studio.events import Events
from untrained.studio.pictures import Pictures
from untrained.studio.queue import Queue
from untrained.studio.requests import Requests
from untrained.studio.safety import Safety
from untrained.studio.screen import Tiles
from untrained.studio.supervisor import Supervisor
from untrained.studio.worker import WorkerOptions
from untrained.studio.workspace import Workspace

__all__ = ["Studio"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Studio:
    """What the routes work with."""

    workspace: Workspace
    queue: Queue
    pictures: Pictures
    requests: Requests
    events: Events
    supervisor: Supervisor
    safety: Safety
    tiles: Tiles
    batches: Batches
    timing: asyncio.Lock
    rewriting: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def open(
        cls, options: WorkerOptions, safety: Safety, *, batches: Sequence[Path] = ()
    ) -> Studio:
        """Return the studio of a workspace, whose folders are made; it shows these batches, too."""
        workspace = Workspace(Path(options.workspace))
        workspace.create()
        queue = Queue(workspace.database)
        pictures = Pictures(workspace, queue, max_pixels=options.max_pixels)
        return cls(
            workspace=workspace, queue=queue, pictures=pictures,
            requests=Requests(
                pictures=pictures, device=options.device,
                checkpoint_every=options.checkpoint_every,
            ),
            events=Events(queue), supervisor=Supervisor(workspace, queue, options),
            safety=safety, tiles=Tiles(),
            batches=Batches(workspace.path, tuple(batches)), timing=asyncio.Lock(),
        )  # fmt: skip
