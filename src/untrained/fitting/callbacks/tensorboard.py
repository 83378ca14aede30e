"""The fit in TensorBoard (extra `tensorboard`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from untrained.errors import InputError
from untrained.fitting.callbacks.base import Callback, Check, Start
from untrained.fitting.callbacks.scoring import Scoring
from untrained.fitting.result import Result

__all__ = ["TensorBoard"]


class TensorBoard(Callback):
    """Write scalars (loss, both PSNR curves, lr), the image as it grows, and the settings."""

    def __init__(
        self, folder: Path, *, settings: dict[str, Any], scoring: Scoring | None = None,
        image_every: int = 100,
    ) -> None:  # fmt: skip
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise InputError(
                "TensorBoard is not installed; pip install 'untrained[tensorboard]'"
            ) from None
        self.folder = folder
        self.settings = settings
        self.scoring = scoring
        self.image_every = image_every
        self.next_image = 0
        self.make_writer = SummaryWriter
        self.writer: SummaryWriter | None = None

    def on_start(self, start: Start) -> None:
        """Write the settings and the observation."""
        # purge_step hides what an interrupted run wrote past its checkpoint
        self.writer = self.make_writer(str(self.folder), purge_step=start.step or None)
        self.next_image = start.step
        text = json.dumps(self.settings, indent=2, ensure_ascii=False, default=str)
        self.writer.add_text("settings", f"```json\n{text}\n```", start.step)
        self.writer.add_image("observed", _shown(start.observed), start.step)

    def on_check(self, check: Check) -> None:
        """Write the curves, and the image every `image_every` steps."""
        writer = self.writer
        if writer is None:  # its files could not be begun
            return
        first = check.step - len(check.losses) + 1
        for i, (loss, value) in enumerate(zip(check.losses, check.psnr_observed, strict=True)):
            writer.add_scalar("loss", loss, first + i)
            writer.add_scalar("psnr/observed", value, first + i)
        writer.add_scalar("lr", check.lr, check.step)
        if check.value is not None:
            writer.add_scalar("stop_rule", check.value, check.step)
        for name, value in (self.scoring.latest if self.scoring else {}).items():
            writer.add_scalar(name.replace("_", "/", 1), value, check.step)
        if check.step >= self.next_image:
            writer.add_image("estimate", _shown(check.image), check.step)
            self.next_image = check.step + self.image_every

    def on_end(self, result: Result) -> None:
        """Write the kept image and close."""
        if self.writer is not None:
            self.writer.add_image("kept", _shown(result.estimate), result.kept_step)
            self.writer.close()


def _shown(image: Any) -> Any:
    channels = image.shape[1]
    picture = image[0] if channels in (1, 3) else image[0, :1]
    return picture.float().clamp(0, 1).cpu()
