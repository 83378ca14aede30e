"""The command that restores videos."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from untrained.cli.options import FitOptions, Flag, PrintOptions, Sigma, SigmaInUnits
from untrained.cli.printing import print_error
from untrained.errors import InputError

__all__ = ["restore_video"]


def restore_video(
    clip: Path, /, *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    task: Literal["denoise", "inpaint", "upscale"] = "denoise",
    later_steps: int | None = None,
    sigma: Sigma = None,
    sigma_in_units: SigmaInUnits = False,
    mask: Path | None = None,
    mask_invert: Flag = False,
    factor: int | None = None,
    run_dir: Path | None = None,
    overwrite: Flag = False,
    fit: FitOptions = FitOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Restore a video, or a folder of its frames, each frame starting from the one before.

    Killed, it goes on with the frame where it was when the same command is given again. Frame rate,
    times, size and colours are kept; the sound is copied, or encoded anew where the file does not
    take it. Videos need PyAV: pip install 'untrained[video]'.

    Parameters
    ----------
    clip
        A video file, or a folder of pictures, taken in the order of their names.
    output
        .mkv (without loss, FFV1), .mp4, .mov or .m4v (H.264), .webm (VP9); else a folder of PNG
        files.
    task
        What to do to every frame.
    later_steps
        The most steps of a frame after the first. Default: a quarter of the recipe's.
        0 = every frame is fitted from scratch.
    mask
        To inpaint: what is covered in all frames, a logo; white = known.
    mask_invert
        The mask is black where the picture is known.
    factor
        To upscale: how many times. Default: 4.
    run_dir
        Where the run's folder goes. Default: untrained-runs beside the output.
    overwrite
        Replace an existing output.
    """
    from untrained.jobs import ClipJob, restore_clip
    from untrained.recipes import find_recipe, with_settings

    if fit.nodata is not None:
        raise InputError("--nodata goes with pictures; the frames of a clip have none")
    if fit.truth is not None:
        raise InputError("--truth goes with pictures; score the frames of a clip one by one")
    for option, its_task, given in (
        ("--sigma", "denoise", sigma is not None),
        ("--sigma-in-units", "denoise", sigma_in_units),
        ("--mask", "inpaint", mask is not None),
        ("--mask-invert", "inpaint", mask_invert),
        ("--factor", "upscale", factor is not None),
    ):
        if given and task != its_task:
            raise InputError(f"{option} goes with --task {its_task}, the task is {task}; drop one")
    recipe = with_settings(find_recipe(task, fit.recipe), fit.changes())
    options: dict[str, dict[str, Any]] = {
        "denoise": {"sigma": sigma, "sigma_in_units": sigma_in_units},
        "inpaint": {"mask_invert": mask_invert},
        "upscale": {"factor": 4 if factor is None else factor},
    }
    job = ClipJob(
        source=clip, target=output, task=task, recipe=recipe, options=options[task],
        later_steps=recipe.max_steps // 4 if later_steps is None else later_steps,
        files={"mask": mask} if task == "inpaint" and mask is not None else {},
        seed=fit.seed, device=fit.device, run_dir=run_dir, overwrite=overwrite,
    )  # fmt: skip
    silent = printing.quiet or printing.json
    record = restore_clip(
        job, say=lambda line: None if silent else print(line, file=sys.stderr, flush=True)
    )
    if printing.json:
        print(json.dumps(record, default=str))
    elif not printing.quiet:
        frames = record["frames"]
        print(f"{clip} → {output}: {len(frames)} frames", flush=True)
        if record["sound"]:
            print(f"  {record['sound']}")
        print(f"  record: {job.folder() / 'clip.json'}")
    failed = [str(frame["frame"]) for frame in record["frames"] if "failed" in frame]
    if failed:
        print_error(f"{clip}: frames left as they were, no fit succeeded: {', '.join(failed)}")
    return 1 if failed else 0
