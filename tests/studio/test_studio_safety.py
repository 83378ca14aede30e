"""Who is refused, and why; without workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from studio_server import file_of, noisy

from untrained.errors import InputError
from untrained.images import Picture, write_picture
from untrained.studio.app import create_app
from untrained.studio.pictures import plain_name
from untrained.studio.safety import Safety
from untrained.studio.serve import is_loopback, listen
from untrained.studio.studio import Studio
from untrained.studio.worker import WorkerOptions
from untrained.studio.workspace import Workspace

HERE = "http://127.0.0.1:8710"
Scene = Callable[..., Any]


def client_of(folder: Path, safety: Safety, **options: Any) -> TestClient:
    """Return a client of an application whose workers are not started."""
    studio = Studio.open(WorkerOptions(workspace=str(folder), **options), safety)
    return TestClient(create_app(studio), base_url=HERE, raise_server_exceptions=False)


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    safety = Safety.for_loopback(8710, max_upload=200_000)
    return client_of(tmp_path / "workspace", safety, max_pixels=5000)


@pytest.fixture
def small(scene: Scene, tmp_path: Path) -> bytes:
    return file_of(tmp_path, "small.png", noisy(scene(16, 16)))


def refused(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.json().keys() == {"detail"}
    line = str(answer.json()["detail"])
    assert "\n" not in line
    return line


@pytest.mark.parametrize("host", [
    "evil.example", "evil.example:8710", "127.0.0.1", "127.0.0.1:9999", "127.0.0.1.evil.example",
    "localhost.evil.example:8710", "",
])  # fmt: skip
def test_a_foreign_host_is_refused(client: TestClient, host: str) -> None:
    for path in ("/", "/api/about", "/api/jobs", "/studio.js"):
        refused(client.get(path, headers={"host": host}), 400)
    refused(client.post("/api/jobs", json={}, headers={"host": host}), 400)


@pytest.mark.parametrize("host", ["127.0.0.1:8710", "localhost:8710", "[::1]:8710"])
def test_this_machine_is_let_in(client: TestClient, host: str) -> None:
    own = {"host": host, "origin": f"http://{host}"}
    assert client.get("/api/tasks", headers=own).status_code == 200


@pytest.mark.parametrize("headers", [
    {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:9999"},
    {"origin": "http://localhost:8710"}, {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
])  # fmt: skip
def test_a_foreign_origin_neither_reads_nor_writes(
    client: TestClient, headers: dict[str, str], small: bytes
) -> None:
    refused(client.get("/api/jobs", headers=headers), 403)
    refused(client.delete("/api/jobs/" + "0" * 16, headers=headers), 403)
    answer = client.post("/api/pictures", files={"file": ("a.png", small)}, headers=headers)
    refused(answer, 403)
    assert client.get("/api/pictures").json() == []


def test_a_link_from_elsewhere_may_open_the_page(client: TestClient) -> None:
    assert client.get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_uploads_are_limited(client: TestClient, tmp_path: Path) -> None:
    """By what is said of their length, and where nothing is said, by what arrives."""
    large = file_of(tmp_path, "large.npy", np.zeros((300, 300, 3), np.uint8))
    refused(client.post("/api/pictures", files={"file": ("a.npy", large)}), 413)
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        yield (
            b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\n'
            b"content-type: image/png\r\n\r\n"
        )
        for _ in range(1000):
            sent += 1
            yield b"\x89PNG\r\n\x1a\n" + bytes(9992)
        yield b"\r\n--x--\r\n"

    form = {"content-type": "multipart/form-data; boundary=x"}
    refused(client.post("/api/pictures", content=body(), headers=form), 413)
    refused(client.post("/api/jobs", content=b"{" + b" " * (1 << 20) + b"}"), 413)
    assert list((tmp_path / "workspace" / "pictures").iterdir()) == []


def test_pixels_are_limited_before_they_are_decoded(client: TestClient, tmp_path: Path) -> None:
    bomb = file_of(tmp_path, "bomb.png", np.zeros((3000, 3000), np.uint8))
    assert len(bomb) < 100_000
    line = refused(client.post("/api/pictures", files={"file": ("bomb.png", bomb)}), 422)
    assert line.startswith("bomb.png: 3000x3000 is more than the 5,000 pixels allowed")
    assert list((tmp_path / "workspace" / "pictures").iterdir()) == []


def test_a_kernel_is_limited_too(tmp_path: Path) -> None:
    client = client_of(tmp_path / "w", Safety.for_loopback(8710, max_upload=1 << 20))
    bomb = file_of(tmp_path, "bomb.png", np.zeros((14_000, 14_000), np.uint8))
    for name, data in (("k.png", bomb), ("k.npy", b"no array"), ("k.png", b"no PNG")):
        answer = client.post("/api/pictures?kind=kernel", files={"file": (name, data)})
        assert refused(answer, 422).startswith(name)


@pytest.mark.parametrize(("name", "data"), [
    ("a.exe", b"MZ"), ("a.png", b""), ("a.png", b"\x89PNG\r\n\x1a\n broken"), ("a.svg", b"<svg/>"),
    ("a.png", b"<html><script>alert(1)</script>"), ("", b"x"),
])  # fmt: skip
def test_what_is_no_picture_is_refused_in_one_line(
    client: TestClient, tmp_path: Path, name: str, data: bytes
) -> None:
    line = refused(client.post("/api/pictures", files={"file": (name, data)}), 422)
    assert str(tmp_path) not in line
    assert list((tmp_path / "workspace" / "pictures").iterdir()) == []


@pytest.mark.parametrize("name", [
    "../../evil.png", "..\\..\\evil.png", "/etc/evil.png", "C:\\evil.png", "evil\r\nx: y.png",
    'e"v;il.png', "--output=x.png", "é漢字\u202e.png", "a" * 400 + ".png", ".png", "..png",
])  # fmt: skip
def test_a_name_is_never_a_path(
    client: TestClient, small: bytes, tmp_path: Path, name: str
) -> None:
    before = {p for p in tmp_path.rglob("*") if "workspace" not in p.parts}
    # a browser would not send some of these; the form is written by hand
    quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("\r\n", "%0D%0A")
    body = (
        f'--x\r\ncontent-disposition: form-data; name="file"; filename="{quoted}"\r\n\r\n'.encode()
        + small + b"\r\n--x--\r\n"
    )  # fmt: skip
    form = {"content-type": "multipart/form-data; boundary=x"}
    answer = client.post("/api/pictures", content=body, headers=form)
    if answer.status_code == 201:
        picture = answer.json()
        folder = tmp_path / "workspace" / "pictures" / picture["id"]
        assert {p.name for p in folder.iterdir()} == {
            "picture.png",
            "preview.webp",
            "thumbnail.webp",
        }
        assert not set(picture["name"]) & set('/\\\r\n"') or '"' in name
    else:
        refused(answer, 422)
    assert {p for p in tmp_path.rglob("*") if "workspace" not in p.parts} == before


def test_plain_names() -> None:
    assert plain_name("../a/b c.PNG") == "b c.PNG"
    assert plain_name("c:\\x\\é.tif") == "é.tif"
    assert plain_name("--set=x.png") == "set=x.png"
    assert plain_name("a\x00\x1b[31m\n.png") == "a[31m.png"
    assert plain_name("...") == "picture"
    assert len(plain_name("x" * 999 + ".tiff")) == 100


@pytest.mark.parametrize("path", [
    "/api/pictures/../../studio.db", "/api/pictures/%2e%2e%2fstudio.db", "/api/pictures/..",
    "/api/jobs/..%2f..%2fstudio.db/result", "/%2e%2e/pyproject.toml", "/static/../app.py",
    "/..%2fapp.py", "/studio.db", "/app.py", "/index.html.bak", "/api/jobs/0123/result",
    "/api/jobs/0123456789abcdeg/view", "/api/pictures/0123456789ABCDEF",
    "/api/samples/..%2f..%2fapp.py/image.png",
])  # fmt: skip
def test_no_other_file_can_be_read(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (404, 422)


@pytest.mark.parametrize(("change", "wanted"), [
    ({"task": "sharpen"}, "no task 'sharpen'"),
    ({"recipe": "fastt"}, "did you mean 'fast'"),
    ({"settings": {"lr": "fast"}}, "wanted a number"),
    ({"settings": {"max_steps": 10**9}}, "wanted at most 1000000"),
    ({"settings": {"nonsense": 1}}, "no setting 'nonsense'"),
    ({"options": {"sigma": -1}}, "wanted 0 or more"),
    ({"options": {"sigma": "loud"}}, "wanted a number"),
    ({"options": {"factor": 2}}, "no option 'factor' for denoise"),
    ({"files": {"mask": "0" * 16}}, "no file 'mask' for denoise"),
    ({"files": {"mask": "/etc/passwd"}}, "String should match pattern"),
    ({"picture": "../../etc"}, "String should match pattern"),
    ({"picture": "0" * 16}, "no picture 0000000000000000"),
    ({"truth": "0" * 16}, "for the truth"),
    ({"task": "deblur"}, "deblur needs a kernel"),
    ({"seed": -1}, "seed"),
    ({"source": "/etc/passwd"}, "Extra inputs"),
])  # fmt: skip
def test_a_bad_job_is_refused(
    client: TestClient, small: bytes, change: dict[str, Any], wanted: str
) -> None:
    picture = client.post("/api/pictures", files={"file": ("a.png", small)}).json()
    request = {"task": "denoise", "picture": picture["id"], **change}
    for path in ("/api/jobs", "/api/plan"):
        assert wanted in refused(client.post(path, json=request), 422)
    assert client.get("/api/jobs").json() == []


def test_pages_keep_to_themselves(client: TestClient) -> None:
    for path in ("/", "/api/jobs", "/api/jobs/x", "/nothing"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers


def test_on_a_network_nothing_is_told_without_the_token(tmp_path: Path) -> None:
    safety = Safety(hosts=None, token="secret-token", max_upload=1000)
    client = client_of(tmp_path / "workspace", safety)
    for path in ("/", "/api/jobs", "/studio.js", "/api/openapi.json", "/api/about?token=x"):
        refused(client.get(path), 401)
    refused(client.get("/?token=wrong"), 401)
    refused(client.get("/api/jobs", headers={"authorization": "Bearer wrong"}), 401)
    refused(client.get("/api/jobs", headers={"cookie": "untrained-studio=wrong"}), 401)
    bearer = {"authorization": "Bearer secret-token"}
    assert client.get("/api/jobs", headers=bearer).status_code == 200
    refused(client.get("/api/jobs", headers={**bearer, "origin": "http://evil.example"}), 403)
    entered = client.get("/?token=secret-token", follow_redirects=False)
    assert entered.status_code == 303
    assert entered.headers["location"] == "/"
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/api/jobs").status_code == 200, "the cookie is enough"


def test_other_addresses_need_a_token() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "127.8.9.1"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.2", "example.org"))


def test_a_taken_port_gives_the_next() -> None:
    first = listen("127.0.0.1", 0)
    port = first.getsockname()[1]
    second = listen("127.0.0.1", port)
    assert second.getsockname()[1] > port
    first.close()
    second.close()
    with pytest.raises(InputError, match="unknown"):
        listen("no.such.host.invalid", 0)


def test_two_servers_do_not_share_a_workspace(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    workspace.create()
    held = workspace.lock()
    with pytest.raises(InputError, match="another studio uses this workspace"):
        workspace.lock()
    held.close()
    workspace.lock().close()


def test_an_internal_error_is_one_line(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object) -> None:
        raise RuntimeError("secret\ndetails")

    monkeypatch.setattr("untrained.studio.queue.Queue.jobs", broken)
    line = refused(client.get("/api/jobs"), 500)
    assert "secret" not in line


def test_a_picture_is_shown_as_it_is(client: TestClient, tmp_path: Path) -> None:
    values = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    alpha = np.full((1, 16, 16), 200, np.uint8)
    write_picture(tmp_path / "a.png", Picture(pixels=values[None], alpha=alpha))
    data = (tmp_path / "a.png").read_bytes()
    picture = client.post("/api/pictures", files={"file": ("a.png", data)}).json()
    assert (picture["channels"], picture["pages"]) == (4, 1)
    (tmp_path / "shown.png").write_bytes(
        client.get(f"/api/pictures/{picture['id']}/image.png").content
    )
    from untrained.images import read_picture

    shown = read_picture(tmp_path / "shown.png")
    np.testing.assert_array_equal(shown.pixels[0], values)
    np.testing.assert_array_equal(shown.alpha, alpha)
    assert client.get(f"/api/pictures/{picture['id']}/image.png?page=2").status_code == 404
