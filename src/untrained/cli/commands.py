"""The commands, in the order of use."""

from __future__ import annotations

from cyclopts import App, Group

from untrained.cli.applications import (
    deblur,
    deblur_blind,
    deinterlace,
    dejpeg,
    demosaic,
    flash,
)
from untrained.cli.batch import batch
from untrained.cli.clips import restore_video
from untrained.cli.demo import demo
from untrained.cli.evidence import compare, reproduce
from untrained.cli.features import invert
from untrained.cli.layers import decompose, dehaze
from untrained.cli.main import app
from untrained.cli.packing import compress, decompress
from untrained.cli.reporting import figure, report, video
from untrained.cli.restoring import denoise, inpaint, resume, upscale
from untrained.cli.scan_info import scan_info
from untrained.cli.scans import ct, mri, sensing, series
from untrained.cli.studio import studio
from untrained.cli.tools import degrade, network, recipes, score

__all__: list[str] = []

_GROUPS = {
    "Restore": (
        denoise, inpaint, upscale, dejpeg, deblur, deblur_blind, flash, demosaic, deinterlace,
        decompose, dehaze, restore_video, batch, resume,
    ),
    "Reconstruct": (mri, series, ct, sensing),
    "Look": (studio, scan_info, report, figure, video, invert),
    "Measure": (compare, score, degrade),
    "Reproduce": (demo, reproduce, recipes, network),
    "Tools": (compress, decompress),
}  # fmt: skip

for _place, (_name, _commands) in enumerate(_GROUPS.items()):
    _group = Group(_name, sort_key=_place)
    for _order, _command in enumerate(_commands):
        if isinstance(_command, App):  # of several commands
            _command.group, _command.sort_key = (_group,), _order
            app.command(_command)
        else:
            app.command(_command, group=_group, sort_key=_order)
app.register_install_completion_command(group=_group)
