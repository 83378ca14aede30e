"""`untrained invert` with a network of the user's own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from untrained.cli import main
from untrained.images import Picture, read_picture, write_picture

Run = Callable[..., subprocess.CompletedProcess[str]]

MINE = """
import torch
WHEN = 3
from torch import nn

def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 4, 3, stride=2))

def gray():
    return nn.Sequential(nn.Conv2d(1, 4, 3))

def vectors():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 4))

def broken():
    raise RuntimeError("no weights\\nare here")

def watched():
    net = network()
    net.to = lambda device: print("moved to", device) or net
    return net

def interrupted():
    net, calls = network(), []

    def press(*_):
        calls.append(1)
        if len(calls) == WHEN:
            raise KeyboardInterrupt

    net.register_forward_pre_hook(press)
    return net

nothing = lambda: None
"""
SMALL = ("--set", "network=Skip", "--set", "widths=8,8", "--set", "lr=0.01")


def test_a_picture_and_a_unit_are_found_with_a_module_beside_the_command(
    tmp_path: Path, scene: Callable[..., NDArray[np.float64]], untrained: Run
) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    truth = scene(24, 32)
    write_picture(tmp_path / "in.png", Picture.from_array(np.rint(255 * truth).astype(np.uint8)))
    done = untrained("invert", "in.png", "--module", "mine:network", "--layer", "0", "-o",
                     "out.png", "--steps", 80, "--json", *SMALL)  # fmt: skip
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["steps"] == 80
    found = read_picture(tmp_path / "out.png").pixels[0] / 255
    assert found.shape == truth.shape
    error = np.mean((found - truth) ** 2)  # an early layer has forgotten little
    assert error < 0.5 * np.mean((truth - truth.mean()) ** 2)
    assert facts["loss"] < 0.2
    again = untrained("invert", "in.png", "--module", "mine:network", "--layer", "0", "-o",
                      "again.png", "--steps", 80, *SMALL)  # fmt: skip
    # the root of the loss, which is a mean of squares
    assert f"relative error of the features {facts['loss'] ** 0.5:.4f}" in again.stdout
    assert "PSNR" not in again.stderr


def test_a_unit_is_excited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    (tmp_path / "ours.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    code = main(["invert", "--module", "ours:watched", "--layer", "2", "--unit", "1", "--size",
                 "24x32", "-o", "out.png", "--steps", "20", "--device", "cpu", *SMALL])  # fmt: skip
    assert code == 0
    told = capsys.readouterr().out
    assert "mean activation" in told
    assert "moved to cpu" in told
    assert read_picture(tmp_path / "out.png").pixels.shape == (1, 24, 32, 3)


def test_ctrl_c_before_the_first_look_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    (tmp_path / "stopped.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    words = ["invert", "--module", "stopped:interrupted", "--layer", "2", "--unit", "1",
             "--size", "24x32", "-o", "out.png", "--overwrite", *SMALL]  # fmt: skip
    assert main(words) == 130
    told = capsys.readouterr().out
    assert "out.png: 0 steps, none of them looked at" in told
    assert "interrupted; the best estimate so far is kept" in told
    assert main([*words, "--json"]) == 130
    facts = json.loads(capsys.readouterr().out)
    assert facts["loss"] is None
    assert facts["stop_reason"] == "interrupted"


def test_ctrl_c_later_is_told_with_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    (tmp_path / "later.py").write_text(MINE.replace("WHEN = 3", "WHEN = 26"))
    monkeypatch.chdir(tmp_path)
    words = ["invert", "--module", "later:interrupted", "--layer", "2", "--unit", "1",
             "--size", "24x32", "-o", "out.png", *SMALL]  # fmt: skip
    assert main(words) == 130
    told = capsys.readouterr()
    assert "out.png: " in told.out
    assert "mean activation" in told.out
    assert "interrupted; the best estimate so far is kept" in told.out
    assert "PSNR" not in told.err
    assert (tmp_path / "out.png").exists()


def test_mistakes_are_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    (tmp_path / "theirs.py").write_text(MINE)
    (tmp_path / "wrong.py").write_text("def network(:")
    monkeypatch.chdir(tmp_path)
    for module, layer, message in [
        ("theirs", "0", "wanted PACKAGE.MODULE:FUNCTION"),
        ("nowhere:network", "0", "cannot import 'nowhere'"),
        ("theirs:netwrk", "0", "has no 'netwrk'"),
        ("theirs:nothing", "0", "returns NoneType"),
        ("theirs:network", "9", "no layer '9' in the model; there are 0, 1, 2"),
        ("theirs:broken", "0", "theirs:broken fails (RuntimeError: no weights are here)"),
        ("theirs:gray", "0", "picture of 224x224 with 3 channels (RuntimeError: Given groups=1"),
        ("theirs:vectors", "1", "picture of 224x224 with 3 channels (RuntimeError: mat1 and mat2"),
        ("wrong:network", "0", "cannot import 'wrong' (SyntaxError: "),
    ]:
        code = main(["invert", "--module", module, "--layer", layer, "--unit", "0", "-o", "o.png"])
        told = capsys.readouterr().err
        assert code == 2
        assert message in told
        assert len(told.strip().splitlines()) == 1
    assert main(["invert", "--module", "theirs:network", "--layer", "0", "-o", "o.png"]) == 2
    assert "wanted either a picture" in capsys.readouterr().err
    for channels, factory in ((1, "network"), (3, "gray")):
        pixels = np.full((16, 16, channels), 100, np.uint8)
        write_picture(tmp_path / "in.png", Picture.from_array(pixels))
        words = ["invert", "in.png", "--module", f"theirs:{factory}", "--layer", "0", "-o", "o.png"]
        assert main(words) == 2
        told = capsys.readouterr().err
        assert f"picture of 16x16 with {channels} channel" in told
        assert len(told.strip().splitlines()) == 1
    words = ["invert", "in.png", "--module", "theirs:network", "--layer", "0"]
    assert main([*words, "-o", "in.png/o.png"]) == 2
    assert "is a file, not a folder" in capsys.readouterr().err
    assert not (tmp_path / "o.png").exists()
    words = ["--layer", "0", "--unit", "0", "-o", "o.png", "--device", "cuda:99"]
    assert main(["invert", "--module", "theirs:network", *words]) == 2
    assert "this machine does not have" in capsys.readouterr().err


def test_a_unit_of_a_network_of_gray_pictures_is_excited(tmp_path: Path, untrained: Run) -> None:
    (tmp_path / "grays.py").write_text(MINE)
    done = untrained(
        "invert", "--module", "grays:gray", "--layer", "0", "--unit", "1", "--channels", "1",
        "--size", "16x24", "-o", "out.png", "--steps", 2, *SMALL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert read_picture(tmp_path / "out.png").pixels.shape == (1, 16, 24, 1)
