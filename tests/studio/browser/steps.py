"""What a user does, in the words of the page."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any


def drop(page: Any, *files: Path, on: str = ".drop") -> None:
    """Drop files on the start screen."""
    contents = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in files]
    transfer = page.evaluate_handle(
        """(files) => {
          const transfer = new DataTransfer();
          for (const [name, text] of files) {
            const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
            transfer.items.add(new File([bytes], name));
          }
          return transfer;
        }""",
        contents,
    )
    page.locator(".drop").wait_for()
    page.locator(on).dispatch_event("drop", {"dataTransfer": transfer, "bubbles": True})


def middle_of_easel(page: Any) -> tuple[float, float]:
    """Turn to inpainting, and return the middle of the picture on which a mask is painted."""
    page.get_by_label("Task").select_option("inpaint")
    easel = page.get_by_role("application")
    easel.wait_for()
    box = easel.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def set_steps(page: Any, steps: int) -> None:
    """Take this many steps, of a network so small that they are quick; no rule stops them."""
    page.get_by_text("Every setting").click()
    page.get_by_label("network.widths", exact=True).fill("8,8")
    page.get_by_label("max_steps", exact=True).fill(str(steps))
    patience = page.get_by_label("stopper.patience", exact=True)
    if patience.count():  # else a fit that is to be stopped may have ended before the click
        patience.fill("1000000")


def restore(page: Any) -> str:
    """Start the job; return its id."""
    page.get_by_role("button", name="Restore", exact=True).click()
    page.wait_for_url("**/#/job/*")
    return job_id(page)


def job_id(page: Any) -> str:
    """The job that the address names."""
    return str(page.url).rsplit("/", 1)[1].split("?")[0]


def expect_status(page: Any, text: str, timeout: float = 60) -> None:
    """Wait until the page says so."""
    page.locator(".job-title .pill", has_text=text).wait_for(timeout=1000 * timeout)


def shown_step(page: Any) -> int:
    """The step that the page shows."""
    text = page.locator(".job-progress dd").first.inner_text()
    return int(text.split("/")[0]) if text[0].isdigit() else 0


def wait_for_step(page: Any, step: int, timeout: float = 60) -> None:
    """Wait until the page shows this step or a later one."""
    page.wait_for_function(
        """(step) => parseInt(document.querySelector(".job-progress dd")?.textContent) >= step""",
        arg=step,
        timeout=1000 * timeout,
    )


def canvas(page: Any) -> str:
    """What the viewer's canvas shows."""
    return str(page.evaluate("document.querySelector('.viewer .pane canvas').toDataURL()"))
