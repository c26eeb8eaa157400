"""The documents are held to account by the program, and the README's commands are real."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
import types
from pathlib import Path
from typing import Any

import pytest

from crispen.cli.main import COMMANDS, build

ROOT = Path(__file__).parents[1]


def tool(name: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = tool("generate")
EVERY = dict(generate.commands())


def parameters() -> list[Any]:
    return [
        pytest.param(words, p, id=f"{words} {p.name}")
        for words, command in EVERY.items()
        for p in command.params
    ]


def test_all_commands_are_known() -> None:
    assert {words.split()[1] for words in EVERY if " " in words} == set(COMMANDS)
    assert set(build().list_commands(None)) == set(COMMANDS)


@pytest.mark.parametrize("words", EVERY)
def test_every_command_has_help_and_is_documented(words: str) -> None:
    assert EVERY[words].help
    page = (ROOT / "docs/cli.md").read_text()
    assert re.search(rf"^#+ {words}$", page, re.MULTILINE)


@pytest.mark.parametrize(("words", "parameter"), parameters())
def test_every_option_has_help_and_is_documented(words: str, parameter: Any) -> None:
    assert parameter.help
    page = (ROOT / "docs/cli.md").read_text()
    assert generate.row(parameter) in page


def test_the_guide_names_every_command() -> None:
    guide = (ROOT / "docs/guide.md").read_text()
    for words in EVERY:
        assert words in guide


def test_options_in_the_guide_exist() -> None:
    known = {o for c in EVERY.values() for p in c.params for o in [*p.opts, *p.secondary_opts]}
    for page in ("README.md", "docs/guide.md"):
        text = (ROOT / page).read_text()
        for line in re.findall(r"^crispen .*$", text, re.MULTILINE):
            for option in re.findall(r"(?<=\s)--?[a-z][a-z-]*", line):
                assert option in known | {"--help"}, f"{page}: {line}"


def test_the_readme_begins_with_a_picture_and_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert tool("readme").commands(text) == ["make demo", "make test"]
    assert text.index("docs/images/before-after.png") < text.index("```sh")


def test_the_readmes_commands_are_targets() -> None:
    for command in tool("readme").commands((ROOT / "README.md").read_text()):
        done = subprocess.run(
            [*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert ".venv/bin/python" in done.stdout


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md", "docs/guide.md"])
def test_links_between_pages_lead_somewhere(page: str) -> None:
    file = ROOT / page
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text()):
        assert (file.parent / target).exists(), target


def test_bench_fills_its_marks() -> None:
    text = "a\n<!-- bench: x -->\nold\n<!-- /bench -->\nb\n<!-- bench: y -->\n<!-- /bench -->\n"
    filled = tool("bench").fill(text, "x", "| new \\1 |\n")
    assert filled == text.replace("old", "| new \\1 |")


def test_the_readme_has_a_place_for_every_benchmark() -> None:
    text = (ROOT / "README.md").read_text()
    marked = set(re.findall(r"<!-- bench: (\w+) -->", text))
    assert marked <= {f.stem for f in (ROOT / "benchmarks").glob("[a-z]*.py")}


def test_constraints_pin_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    assert all("==" in line for line in pins)
    assert "torch==2.13.0" in pins

    def plain(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    pinned = {plain(line.partition("==")[0]) for line in pins}
    wanted = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        wanted += extra
    names = {plain(re.split(r"[\[<>=~!;]", w)[0]) for w in wanted} - {"crispen"}
    assert names <= pinned


def test_the_public_api_is_documented() -> None:
    import crispen

    page = (ROOT / "docs/python.md").read_text()
    assert generate.python_page() == page, "run 'make docs'"
    table, _, reference = page.partition("## Functions")
    rows = re.findall(r"^\| `(\w+)(?:\(\))?` \| (.+) \|$", table, re.MULTILINE)
    assert [name for name, _ in rows] == crispen.__all__
    assert all(text for _, text in rows)
    sections = set(re.findall(r"^::: [\w.]+\.(\w+)$", reference, re.MULTILINE))
    sections |= set(re.findall(r"members: \[(.*)\]", reference)[0].split(", "))
    assert sections >= set(crispen.__all__)


ENTRY = re.compile(r"    (\*{0,2}[\w.]+(, [\w.]+)*)( \([^)]*\))?: ")


def test_each_argument_begins_its_own_line() -> None:
    """What is not indented further than a name would be part of another argument on the site."""
    wrong = []
    for file in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            inside = False
            for line in (ast.get_docstring(node) or "").splitlines():
                if line and line[0] != " ":
                    inside = line in ("Args:", "Attributes:", "Raises:")
                elif inside and re.match(r" {4}\S", line) and not ENTRY.match(line):
                    wrong.append(f"{file.name}: {node.name}: {line.strip()}")
    assert wrong == []


def test_every_page_is_on_the_site() -> None:
    listed = set(re.findall(r"([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    pages = {p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")}
    generated = {"index.md", "contributing.md", "security.md", "changes.md"}
    assert listed == (pages - {"demo/README.md"}) | generated


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_files_that_the_documents_name_are_there(page: str) -> None:
    source = ROOT / "src/crispen"
    text = (ROOT / page).read_text()
    named = set(re.findall(r"`((?:[\w]+/)*[\w.]+\.py)`", text)) - {"NAME.py"}
    files = {f for f in named if "NAME" not in f and not f.startswith("tests/")}
    assert len(files) > 3
    for file in files:
        assert (source / file).is_file(), f"{page} names {file}"


def test_makefile_targets_are_documented() -> None:
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets is not None
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for target in set(targets[1].split()) - {"help", "clean", "coverage"}:
        assert f"`make {target}`" in text


def test_the_workflow_runs_the_makefiles_targets() -> None:
    import yaml

    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    assert jobs["tests"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    ran = {step.get("run", "") for job in jobs.values() for step in job["steps"]}
    targets = {f"make {t}" for t in ("lint", "fresh", "page-check", "site", "wheel", "test")}
    assert targets <= ran


def test_the_version_is_in_one_place() -> None:
    import crispen

    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == crispen.__version__
