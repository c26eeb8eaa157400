"""Services are given what they use, and never all of it."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

from crispen.server.services.assembly import Services, assemble
from crispen.server.settings import Settings

from ..conftest import local


def test_no_service_holds_all_of_them_or_the_settings(tmp_path: Path) -> None:
    services = assemble(local(tmp_path))
    for field in fields(Services):
        service = getattr(services, field.name)
        held = [*vars(service).values()] if hasattr(service, "__dict__") else []
        assert not any(isinstance(one, (Services, Settings)) for one in held), field.name
        for name, parameter in inspect.signature(type(service).__init__).parameters.items():
            assert "Settings" not in str(parameter.annotation), (field.name, name)
    services.lifecycle.end()


def test_two_assemblies_share_nothing(tmp_path: Path) -> None:
    first, second = assemble(local(tmp_path / "a")), assemble(local(tmp_path / "b"))
    for field in fields(Services):
        assert getattr(first, field.name) is not getattr(second, field.name), field.name
    first.lifecycle.end()
    second.lifecycle.end()
