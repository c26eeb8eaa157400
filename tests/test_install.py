"""Which extra brings which room."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from crispen.errors import MissingExtra, needs_extra

from .distributions import BROUGHT_BY, DISTRIBUTIONS, EXTRAS, PROJECT, ROOT, names, plain

PACKAGE = ROOT / "src/crispen"


# What a room may import beside the small install.
ROOMS = {
    "client": "client",
    "cluster": "cluster",
    "server": "server",
    "jobs": "server",
    "stores": "stores",
    "lab": "train",
}


# Single modules that use what is there, and say what to install where it is not.
OPTIONAL = {
    "engines/onnxruntime.py": {"onnxruntime"},
    "enhance/arrivals.py": {"watchfiles"},
    "engines/devices.py": {"onnxruntime", "torch"},
    "engines/torch.py": {"onnx", "torch"},
    "engines/_torch_operations.py": {"torch"},
    "evaluate/dists.py": {"safetensors"},
    "evaluate/inception.py": {"safetensors"},
    "evaluate/lpips.py": {"safetensors"},
    "evaluate/ssimulacra2.py": {"ssimulacra2"},
    "lab/search/on_cluster.py": {"ray"},
    "media/picture/jxl.py": {"imagecodecs"},
    "media/picture/raw.py": {"rawpy"},
    "models/ncnn.py": {"onnx"},
    "lab/networks/spandrel_library.py": {"spandrel"},
    "server/services/cluster_actor.py": {"ray"},
    "server/services/cluster_launcher.py": {"ray"},
}


BASE = names(PROJECT["dependencies"])


def imported(file: Path) -> set[str]:
    """Top-level packages that a module imports, but for type checkers."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(file.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        elif isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).partition(".")[0])
        else:
            waiting += ast.iter_child_nodes(node)
    return found - {"crispen"} - sys.stdlib_module_names


@pytest.mark.parametrize(
    "room", sorted({p.relative_to(PACKAGE).parts[0] for p in PACKAGE.rglob("*.py")})
)
def test_a_room_imports_what_its_install_brings(room: str) -> None:
    place = PACKAGE / room
    allowed = BASE | EXTRAS.get(ROOMS.get(room, ""), set())
    for file in [place] if place.is_file() else sorted(place.rglob("*.py")):
        name = file.relative_to(PACKAGE).as_posix()
        for module in imported(file) - OPTIONAL.get(name, set()):
            brings = {plain(d) for d in DISTRIBUTIONS[module]}
            brings.add(BROUGHT_BY.get(module, module))
            assert brings & allowed, f"{name} imports {module}, which no install of {room} brings"


def test_a_module_of_ours_that_is_missing_is_no_missing_extra() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_room") as raised:  # noqa: SIM117
        with needs_extra("a test", "server"):
            import crispen.no_such_room  # type: ignore[import-not-found]  # noqa: F401
    assert not isinstance(raised.value, MissingExtra)
