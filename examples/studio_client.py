"""Denoise a picture by the HTTP API of a running studio, with nothing but httpx.

untrained studio --no-browser                                  # prints its address
python studio_client.py http://127.0.0.1:8710 noisy.png clean.png max_steps=300
"""

import json
import sys
from pathlib import Path

import httpx


def main(address: str, source: str, target: str, *settings: str) -> None:
    """Upload, start, follow the events until the job has ended, download."""
    with httpx.Client(base_url=address, timeout=60) as studio:
        with Path(source).open("rb") as file:
            picture = checked(studio.post("/api/pictures", files={"file": (source, file)}))
        request = {
            "task": "denoise",
            "picture": picture["id"],
            "settings": dict(setting.split("=", 1) for setting in settings),
        }
        job = checked(studio.post("/api/jobs", json=request))
        with studio.stream("GET", "/api/events") as events:
            for line in events.iter_lines():
                news = json.loads(line[6:]) if line.startswith("data: ") else {}
                if news.get("id") != job["id"] or "status" not in news:
                    continue
                print(f"{news['status']}: step {news['step']} of {news['max_steps']}")
                if news["status"] not in ("queued", "running"):
                    break
        if news["status"] != "finished":
            sys.exit(news["error"] or news["status"])
        Path(target).write_bytes(studio.get(f"/api/jobs/{job['id']}/result").content)


def checked(answer: httpx.Response) -> dict:
    """Return what was answered; an error is one line, too."""
    if answer.is_error:
        sys.exit(answer.json()["detail"])
    return answer.json()


if __name__ == "__main__":
    main(*sys.argv[1:])
