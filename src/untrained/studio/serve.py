"""`untrained studio`: find a port, say the address, serve until Ctrl-C."""

from __future__ import annotations

import contextlib
import ipaddress
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

import uvicorn

from untrained.errors import InputError
from untrained.studio.app import create_app
from untrained.studio.safety import Safety
from untrained.studio.studio import Studio
from untrained.studio.worker import WorkerOptions

__all__ = ["serve"]

_TRIED_PORTS = 20


def serve(
    options: WorkerOptions, *, host: str, port: int, max_upload: int,
    ready: Callable[[Sequence[str]], None], browser: bool, batches: Sequence[Path] = (),
) -> None:  # fmt: skip
    """Serve a workspace until interrupted.

    Args:
        options: the workspace, and what its workers are told.
        host: the address to listen on; other than of this machine, a token is asked for.
        port: the first to try; 0 = any.
        max_upload: bytes of a file.
        ready: is told the addresses when it is served, the likeliest first.
        browser: whether to open it.
        batches: folders of batches that are shown beside those of the workspace.

    Raises:
        InputError: no port is free, another server uses the workspace, or a folder is none.
    """
    for folder in batches:
        if not folder.is_dir():
            raise InputError(f"{folder}: is no folder; wanted the folder of a batch's outputs")
    listening = listen(host, port)
    port = listening.getsockname()[1]
    if is_loopback(host):
        safety, shown = Safety.for_loopback(port, max_upload=max_upload), _in_url(host)
        addresses = [f"http://{shown}:{port}/"]
    else:
        safety = Safety(hosts=None, token=secrets.token_urlsafe(24), max_upload=max_upload)
        every = host in ("0.0.0.0", "::")
        hosts = [*own_addresses(), socket.gethostname()] if every else [host]
        addresses = [f"http://{_in_url(name)}:{port}/?token={safety.token}" for name in hosts]
    studio = Studio.open(options, safety, batches=batches)
    studio.workspace.lock().close()  # refuse in one line, before anything is started
    config = uvicorn.Config(
        create_app(studio),
        log_level="warning",
        timeout_graceful_shutdown=3,
        server_header=False,
        proxy_headers=False,
    )
    server = _Server(config, studio)

    def announce() -> None:
        ready(addresses)
        if browser:
            threading.Thread(target=webbrowser.open, args=(addresses[0],), daemon=True).start()

    server.announce = announce
    with contextlib.suppress(KeyboardInterrupt):  # raised again after all is closed
        server.run(sockets=[listening])


class _Server(uvicorn.Server):
    """Say when it serves, and end the tabs' streams when it is to end."""

    def __init__(self, config: uvicorn.Config, studio: Studio) -> None:
        super().__init__(config)
        self.studio = studio
        self.announce: Callable[[], None] = lambda: None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        if self.started:
            self.announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Hear Ctrl-C."""
        self.studio.events.close()
        super().handle_exit(sig, frame)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket at a port, or at the next free one.

    Raises:
        InputError: an address that is not this machine's, or no free port.
    """
    try:
        family = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]
    except OSError:
        raise InputError(f"host {host!r} is unknown; wanted an address of this machine") from None
    error: OSError | None = None
    for tried in [port] if port == 0 else range(port, min(port + _TRIED_PORTS, 65536)):
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, tried))
            listening.listen(128)
        except OSError as refused:
            listening.close()
            error = refused
        else:
            return listening
    assert error is not None
    raise InputError(
        f"cannot listen on {host} port {port} or the {_TRIED_PORTS - 1} after it "
        f"({error.strerror}); give another with --port"
    )


def own_addresses() -> list[str]:
    """Return the IP addresses under which others find this machine, the one in use first."""
    found = []
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # of the documentation: nothing is sent, a route is chosen
        found.append(str(probe.getsockname()[0]))
    with contextlib.suppress(OSError):
        known = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
        found += [str(entry[4][0]) for entry in known]
    return [name for name in dict.fromkeys(found) if not is_loopback(name)]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
