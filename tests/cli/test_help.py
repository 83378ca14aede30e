"""Every command and every option is explained."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from untrained.cli import app, main
from untrained.recipes import RECIPES

GROUPS = ("Restore", "Look", "Measure", "Reproduce", "Tools")
COMMANDS = [name for name in app if not name.startswith("-")]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_help_text(name: str) -> None:
    command = app[name]
    arguments = command.assemble_argument_collection(parse_docstring=True)
    shown = {argument.name: argument.parameter.help for argument in arguments if argument.show}
    assert shown
    assert not [option for option, text in shown.items() if not (text or "").strip()]
    assert command.help


def test_the_walk_sees_the_commands_and_their_shared_options() -> None:
    assert {"denoise", "inpaint", "studio", "reproduce"} <= set(COMMANDS)
    options = {argument.name for argument in app["inpaint"].assemble_argument_collection()}
    assert {"--mask", "--recipe", "--run-dir", "--json"} <= options


def test_the_help_of_a_command_does_not_import_torch() -> None:
    code = """if True:
        import sys
        from untrained.cli import main
        main(["inpaint", "--help"])
        assert "torch" not in sys.modules
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "white = known" in done.stdout


def test_the_commands_stand_in_groups_in_the_order_of_use(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["--help"])
    text = capsys.readouterr().out
    places = [text.index(f" {name} ─") for name in GROUPS]
    assert places == sorted(places)
    first = [re.search(rf"^│ {name} ", text, re.M) for name in ("denoise", "inpaint", "upscale")]
    assert [match.start() for match in first if match] == sorted(m.start() for m in first if m)
    assert all(re.search(rf"^│ {name} ", text, re.M) for name in COMMANDS)


def test_recipes_are_one_short_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    main(["recipes"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    count = sum(len(recipes) for recipes in RECIPES.values())
    assert sum(line.startswith("  ") for line in lines) == count
    main(["recipes", "denoise/paper"])
    assert "arXiv 1711.10925, table of denoising settings" in capsys.readouterr().out
