"""The build hook that puts the web page into the package, without Node and network."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """hatch_build.py over a tiny page of its own."""
    spec = importlib.util.spec_from_file_location("hatch_build_tested", ROOT / "hatch_build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    for name in module.SOURCES:
        path = tmp_path / "web" / name
        if "." in name:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        else:
            path.mkdir(parents=True)
            (path / "file").write_text(name)
    (tmp_path / "web/node_modules").mkdir()
    monkeypatch.setattr(module, "WEB", tmp_path / "web")
    monkeypatch.setattr(module, "PAGE", tmp_path / "server/page")

    def npm(*arguments: str, quiet: bool = False, **environment: str) -> None:
        if arguments[0] == "run":
            made = Path(environment["CRISPEN_PAGE"])
            made.mkdir()
            (made / "index.html").write_text("built")

    monkeypatch.setattr(module, "npm", npm)
    return module


def refuse(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def npm(*arguments: str, quiet: bool = False, **environment: str) -> None:
        raise module.PageError("no network")

    monkeypatch.setattr(module, "npm", npm)


class App:
    def __init__(self) -> None:
        self.said: list[str] = []

    def display_warning(self, text: str) -> None:
        self.said.append(text)


def made_hook(module: ModuleType, app: App):
    made = module.PageHook.__new__(module.PageHook)
    made._BuildHookInterface__app = app
    return made


def test_the_page_is_built_once_and_again_when_a_source_changes(hook, monkeypatch):
    assert not hook.fresh()
    hook.build()
    assert hook.fresh()
    refuse(hook, monkeypatch)
    hook.build()  # nothing to do: npm is not asked
    (hook.WEB / "src/file").write_text("changed")
    assert not hook.fresh()


def test_what_only_checks_the_page_does_not_make_it_stale(hook):
    hook.build()
    (hook.WEB / "tests").mkdir()
    (hook.WEB / "tests/new.test.ts").write_text("")
    assert hook.fresh()


def test_a_failed_build_leaves_the_page_that_was_there(hook, monkeypatch):
    hook.build()
    (hook.WEB / "src/file").write_text("changed")
    refuse(hook, monkeypatch)
    with pytest.raises(hook.PageError, match="no network"):
        hook.build()
    assert (hook.PAGE / "index.html").read_text() == "built"
    assert [path.name for path in hook.PAGE.parent.iterdir()] == ["page"]


def test_a_checkout_is_installed_without_the_page_and_a_wheel_is_not_built(hook, monkeypatch):
    refuse(hook, monkeypatch)
    app = App()
    made_hook(hook, app).initialize("editable", {})
    assert app.said == ["crispen: no network; everything but the page works"]
    with pytest.raises(hook.PageError):
        made_hook(hook, app).initialize("standard", {})


def test_a_built_page_needs_no_node_and_no_sources(hook, monkeypatch):
    monkeypatch.setattr(hook, "_own_node", lambda: False)
    made = made_hook(hook, App())
    assert made.dependencies() == [hook.NODE_PACKAGE]
    hook.build()
    assert made.dependencies() == []
    hook.WEB.rename(hook.WEB.with_name("elsewhere"))
    assert hook.fresh()


def test_the_constraints_pin_the_node_that_the_hook_asks_for(hook):
    name = hook.NODE_PACKAGE.split(">=")[0]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert any(line.startswith(f"{name}==") for line in lines)
