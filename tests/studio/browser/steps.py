"""What a user does, in the words of the page.

The page draws in its next frame, and what it shows may come from the server: nothing is read
straight after it was asked for. `expect` and the functions here wait until it is so.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

DEADLINE = 60_000  # milliseconds; only a page that hangs comes so far


def expect(what: Any) -> Any:
    """Playwright's assertions, which wait. Imported here: without it the tests are skipped."""
    from playwright.sync_api import expect

    return expect(what)


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
    easel.hover()  # it has come to rest, and is in sight
    frames(page)  # the picture is fitted into it
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


def expect_status(page: Any, text: str) -> None:
    """Wait until the page says so."""
    page.locator(".job-title .pill", has_text=text).wait_for()


def expect_result(page: Any, status: str = "finished") -> None:
    """Wait until the viewer has the fit as it ended, with its timeline, not as it was before."""
    expect(page.locator(".viewer .status")).to_have_attribute("data-status", status)
    page.locator(".viewer .timeline").wait_for()


def restored(
    page: Any, studio: Any, picture: Path, *, steps: int, noise_level: int | None = None
) -> str:
    """Drop a picture, take its noise away, and wait until the result is shown; the job's id."""
    page.goto(studio.url)
    drop(page, picture)
    if noise_level is not None:  # else it is estimated
        page.get_by_label("Noise level").fill(str(noise_level))
    set_steps(page, steps)
    id_ = restore(page)
    expect_status(page, "done")
    expect_result(page)
    return id_


def wait_for_step(page: Any, step: int) -> int:
    """Wait until the page shows this step or a later one; return which."""
    shown = page.wait_for_function(
        """(step) => {
          const shown = parseInt(document.querySelector(".job-progress dd")?.textContent);
          return shown >= step && { shown };
        }""",
        arg=step,
    )
    return int(shown.json_value()["shown"])


def delete(button: Any) -> None:
    """Delete, and confirm it at once: the question goes away again after four seconds."""
    button.click()
    asked = button.evaluate("""(button) => {
      if (button.textContent === "Delete") button.click();
      const asked = button.textContent;
      button.click();
      return asked;
    }""")
    assert asked == "Really delete?"


def frames(page: Any) -> None:
    """Wait until what was changed is drawn: a frame that may be under way, and one more."""
    page.evaluate("() => new Promise((d) => requestAnimationFrame(() => requestAnimationFrame(d)))")


def text_of(what: Any) -> str:
    """Its text, after all that was asked for is drawn."""
    frames(what.page)
    return str(what.text_content())


_CANVAS = "document.querySelector('.viewer .pane canvas').toDataURL()"


def drawn(page: Any) -> str:
    """What the viewer's canvas shows once both pictures of the moment are on it.

    The values under the pointer are told of pictures that are decoded only.
    """
    pane = page.locator(".viewer .pane").first
    pane.wait_for()
    box = pane.bounding_box()
    pane.hover(position={"x": box["width"] / 4, "y": box["height"] / 2})  # beside the wipe's handle
    expect(page.locator(".viewer .readout-values")).to_have_text(re.compile("left .*right "))
    frames(page)
    return str(page.evaluate(_CANVAS))


def drawn_anew(page: Any, *seen: str) -> str:
    """Wait until the canvas shows none of these; return what it shows."""
    now = page.wait_for_function(
        f"(seen) => {{ const now = {_CANVAS}; return !seen.includes(now) && now; }}",
        arg=seen,
        polling=100,
    )
    return str(now.json_value())


def drawn_again(page: Any, seen: str) -> None:
    """Wait until the canvas shows just this."""
    page.wait_for_function(f"(seen) => {_CANVAS} === seen", arg=seen, polling=100)
