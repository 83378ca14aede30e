"""A fit as an animation: the image as it was at every saved step, the curve beside it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.atomic import write_atomically
from untrained.errors import InputError
from untrained.report.drawing import KEPT, STYLE, draw_psnr, pyplot, read_run, show

__all__ = ["write_video"]

Frame = NDArray[np.uint8]

_DPI = 150
_LONGEST = 60  # seconds that an image stays
_FPS = 10  # of an MP4; each image stays for several frames
_LAST = 2.0  # seconds that the last image stays


def write_video(
    folder: Path, target: Path, *, page: int = 1, seconds_per_image: float = 0.4
) -> int:
    """Write the animation of a fit and return the number of images in it.

    Args:
        folder: the run's.
        target: .mp4 (needs PyAV) or .gif.
        page: of a stack, from 1.
        seconds_per_image: how long each saved image stays.

    Raises:
        InputError: no run, no saved images, another suffix, a package is missing.
    """
    kind = target.suffix.lower()
    if kind not in (".mp4", ".gif"):
        raise InputError(f"{target}: wanted an animation as .mp4 or .gif")
    if not 0 < seconds_per_image <= _LONGEST:
        raise InputError(
            f"seconds-per-image is {seconds_per_image:g}; wanted above 0, to {_LONGEST}"
        )
    encode = _encode_mp4 if kind == ".mp4" else _encode_gif
    if kind == ".mp4":
        _import_av()  # before the work
    frames = list(_frames(folder, page))
    data = encode(frames, seconds_per_image)
    write_atomically(target, lambda file: file.write(data))
    return len(frames)


def _frames(folder: Path, page: int) -> Iterator[Frame]:
    """Yield the animation's images (H, W, 3), even numbers of pixels."""
    plt = pyplot()
    run, pictures = read_run(folder, page)
    snapshots = run["snapshots"]
    if not snapshots:
        raise InputError(
            f"{folder}: no images were saved during the fit; restore the picture again with "
            "--snapshots auto --overwrite"
        )
    size = snapshots[-1]["width"], snapshots[-1]["height"]
    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(7.6, 3.6), dpi=_DPI, layout="constrained"
        )
        image = show(left, pictures[snapshots[0]["src"]].pixels(), size)
        draw_psnr(right, run)
        here = right.axvline(0, color=KEPT, lw=1.2)
        right.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        for snapshot in snapshots:
            image.set_data(pictures[snapshot["src"]].pixels())
            step = snapshot["step"]
            here.set_xdata([step, step])
            left.set_title(f"{run['title']}, {run['recipe']}: step {step}{_psnr_at(run, step)}")
            figure.canvas.draw()
            pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
            height, width = (n - n % 2 for n in pixels.shape[:2])  # as H.264 wants it
            yield np.ascontiguousarray(pixels[:height, :width])
        plt.close(figure)


def _psnr_at(run: Any, step: int) -> str:
    history = run["history"]
    near = [
        value
        for at, value in zip(history["truth_step"], history["psnr_truth"], strict=True)
        if at == step and value is not None
    ]
    return f", {near[0]:.2f} dB" if near else ""


def _encode_gif(frames: list[Frame], seconds: float) -> bytes:
    from PIL import Image

    pages = [Image.fromarray(frame).quantize(255) for frame in frames]
    buffer = io.BytesIO()
    pages[0].save(
        buffer, "gif", save_all=True, append_images=pages[1:], loop=0,
        duration=[round(1000 * seconds)] * (len(pages) - 1) + [round(1000 * _LAST)],
    )  # fmt: skip
    return buffer.getvalue()


def _encode_mp4(frames: list[Frame], seconds: float) -> bytes:
    av = _import_av()
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=_FPS, options={"crf": "18"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"  # what every player plays
        stays = [max(1, round(seconds * _FPS))] * len(frames)
        stays[-1] = round(_LAST * _FPS)
        for pixels, count in zip(frames, stays, strict=True):
            for _ in range(count):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


def _import_av() -> Any:
    try:
        import av
    except ImportError:
        raise InputError(
            "MP4 needs PyAV; pip install 'untrained[video]', or write a .gif"
        ) from None
    return av
