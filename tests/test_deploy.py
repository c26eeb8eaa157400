"""The files in ``deploy/``: container images, their composition, a unit of systemd."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from crispen.cli.main import build
from crispen.server.settings import Settings

from .distributions import EXTRAS

DEPLOY = Path(__file__).parents[1] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
IMAGES = ["Dockerfile", "Dockerfile.cuda"]


def program(name: str) -> str:
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:/usr/bin:/bin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.mark.parametrize("image", IMAGES)
def test_images_have_no_lint(image: str) -> None:
    done = subprocess.run(
        [program("hadolint"), str(DEPLOY / image)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("image", IMAGES)
def test_images_install_extras_that_exist_and_copy_what_the_build_needs(image: str) -> None:
    text = (DEPLOY / image).read_text()
    named = re.search(r"^ARG EXTRAS=(.+)$", text, re.MULTILINE)
    assert named is not None
    assert set(named[1].split(",")) <= set(EXTRAS)
    copied = {
        name for line in re.findall(r"^COPY (?!--)(.+) \S+$", text, re.M) for name in line.split()
    }
    assert all((DEPLOY.parent / name).exists() for name in copied), copied
    kept = (DEPLOY / f"{image}.dockerignore").read_text().splitlines()
    assert copied == {line[1:] for line in kept if line.startswith("!")}


def test_both_images_behave_the_same() -> None:
    """Only what they are built upon differs."""
    ends = [(DEPLOY / image).read_text().partition("RUN useradd")[2] for image in IMAGES]
    assert ends[0] == ends[1].replace('"python3"', '"python"')


def variables(service: dict[str, Any]) -> dict[str, str]:
    return dict(service.get("environment", {}))


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_services_use_settings_and_commands_that_exist(name: str) -> None:
    service = COMPOSE["services"][name]
    given = {v.removeprefix("CRISPEN_") for v in variables(service) if v.startswith("CRISPEN_")}
    assert {v.lower() for v in given} <= set(Settings.model_fields), given
    if service["image"] == "crispen" and "command" in service:
        root = build()
        command, *rest = service["command"]
        found = root.get_command(None, command)
        assert found is not None
        # Parsing alone: an option that is not there, or a wrong value, is an error.
        found.make_context(command, rest, resilient_parsing=False).close()
    assert ":" in service["image"] or service["image"] == "crispen", "pinned, or built here"


def test_secrets_are_asked_for_and_explained() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    asked = set(re.findall(r"\$\{(\w+)", text))
    example = (DEPLOY / "env.example").read_text()
    assert asked == set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    assert not re.search(r"(PASSWORD|TOKEN)=\S", example)


def test_volumes_and_networks_are_declared() -> None:
    for service in COMPOSE["services"].values():
        mounted = {volume.partition(":")[0] for volume in service.get("volumes", ())}
        assert {m for m in mounted if "/" not in m} <= set(COMPOSE["volumes"])
        assert set(service.get("networks", ())) <= {*COMPOSE["networks"], "default"}
    address = COMPOSE["services"]["proxy"]["networks"]["front"]["ipv4_address"]
    assert variables(COMPOSE["services"]["server"])["CRISPEN_TRUSTED_PROXIES"] == address


def test_the_unit_is_valid_and_confined(tmp_path: Path) -> None:
    text = (DEPLOY / "crispen.service").read_text()
    command = re.search(r"^ExecStart=(\S+) (.+)$", text, re.MULTILINE)
    assert command is not None
    assert shlex.split(command[2]) == ["serve"]
    unit = tmp_path / "crispen.service"
    unit.write_text(text.replace(command[1], sys.executable))
    verify = program("systemd-analyze")
    done = subprocess.run(
        [verify, "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    done = subprocess.run(
        [verify, "security", "--offline=yes", str(unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    exposure = re.search(r"exposure level for crispen.service: ([\d.]+)", done.stdout)
    assert exposure is not None, done.stderr
    assert float(exposure[1]) < 2.5
