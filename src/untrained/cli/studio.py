"""The command that opens the studio."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from untrained.cli.options import Flag
from untrained.errors import InputError

__all__ = ["studio"]


def studio(
    *,
    workspace: Path | None = None,
    port: int = 8710,
    host: str = "127.0.0.1",
    no_browser: Flag = False,
    workers: int = 1,
    device: str = "auto",
    max_pixels: int = 100_000_000,
    max_upload: int = 1024,
    checkpoint_every: float = 10.0,
    batch: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    debug: Flag = False,
) -> None:
    """Restore pictures in the browser, and watch it happen; on this machine alone.

    Parameters
    ----------
    workspace
        The folder for pictures and jobs. Default: one of this user's.
    port
        The port to listen on; the next free one if it is taken.
    host
        The address to listen on. Other than 127.0.0.1 it can be reached from the network, by
        those who have the token that is printed.
    no_browser
        Only print the address.
    workers
        How many pictures are restored at the same time.
    device
        auto, cpu, cuda, cuda:N or mps.
    max_pixels
        Refuse pictures with more pixels than this.
    max_upload
        Refuse files of more MiB than this.
    checkpoint_every
        Seconds of work that a crash may cost.
    batch
        A folder of a batch's outputs, or of several such folders, whose state the page Batches
        shows; may be repeated. Those in the workspace's folder `batches` are shown anyway.
    debug
        Show the traceback of an error.
    """
    try:
        from untrained.studio.serve import serve
        from untrained.studio.worker import WorkerOptions
        from untrained.studio.workspace import default_workspace
    except ModuleNotFoundError as error:
        raise InputError(
            f"the studio needs {error.name}, which is not installed; "
            "pip install 'untrained[studio]'"
        ) from None
    for name, value in (
        ("workers", workers),
        ("max_pixels", max_pixels),
        ("max_upload", max_upload),
    ):
        if value < 1:
            raise InputError(f"{name} is {value}; wanted 1 or more")
    if not 0 <= port < 65536:
        raise InputError(f"port is {port}; wanted 1 to 65535, or 0 for any")
    options = WorkerOptions(
        workspace=str((workspace or default_workspace()).absolute()), device=device,
        workers=workers, max_pixels=max_pixels, checkpoint_every=checkpoint_every,
    )  # fmt: skip
    serve(
        options, host=host, port=port, max_upload=max_upload << 20, browser=not no_browser,
        ready=_announce, batches=batch,
    )  # fmt: skip


def _announce(addresses: Sequence[str]) -> None:
    """Print where the studio is; for a phone as a QR code, too."""
    first, *others = addresses
    print(f"The studio is at {first}  (Ctrl-C ends it)", flush=True)
    for address in others:
        print(f"              or {address}", flush=True)
    if "?token=" in first:
        try:
            import segno
        except ModuleNotFoundError:  # of an older installation: the addresses do
            return
        segno.make(first, error="l", micro=False).terminal(compact=True)
        print(end="", flush=True)
