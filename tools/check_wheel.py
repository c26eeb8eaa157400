"""Builds the wheel and tries it in a fresh environment, first alone, then with the extra 'server'.

The minimal install must enhance a 16×16 picture and name the install line of each missing extra.
The wheel must contain the web page, complete and small enough for its first load, and serve it,
also as its container image would.

This way, a developer's installed packages cannot hide a missing dependency or file.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
import venv
import zipfile
from pathlib import Path

from check_container import check_container

ROOT = Path(__file__).parents[1]
# Enhancing needs none of these.
EXTRAS = (
    "alembic",
    "fastapi",
    "fsspec",
    "onnx",
    "pytest",
    "skimage",
    "sqlmodel",
    "torch",
    "uvicorn",
)
# A command without its extra, and the line that it must name.
REFUSED = {
    ("serve",): "pip install 'crispen[server]'",
    ("train", "toy"): "pip install 'crispen[train]'",
    ("study", "residual"): "pip install 'crispen[train]'",
    ("enhance", "in.png", "-o", "s3://bucket/out/"): "pip install 'crispen[s3]'",
    ("degrade", "in.png", "-o", "bad.png", "--with", "jpeg=30"): "pip install 'crispen[train]'",
}
PROBE = f"""
import importlib.util, numpy, crispen
present = [name for name in {EXTRAS!r} if importlib.util.find_spec(name)]
assert not present, f"packages of an extra in a plain installation: {{present}}"
ramp = numpy.arange(16 * 16 * 3, dtype=numpy.uint32).reshape(16, 16, 3) % 256
crispen.Image(ramp.astype(numpy.uint8)).save("in.png")
"""
RESULT = """
import crispen
image = crispen.read_image("out.png")
assert (image.width, image.height) == (32, 32), image.pixels.shape
print("wheel: 16x16 enhanced to 32x32")
"""
PAGE = "crispen/server/page/"
# What a browser downloads before anything is visible, compressed.
MAX_FIRST_LOAD_BYTES = 400_000
# Unpacked: the models, and the total.
MAX_MODELS_BYTES = 25_000_000
MAX_SHIPPED_BYTES = 28_000_000
FIRST = re.compile(r'(?:src|href)="/([^"]+)"')


def check_size(wheel: Path) -> None:
    """Fails if the package is larger than promised, or contains weights twice."""
    with zipfile.ZipFile(wheel) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
        weights = sum(e.file_size for e in archive.infolist() if e.filename.endswith(".onnx"))
        twice = [name for name in archive.namelist() if name.endswith(".safetensors")]
    assert not twice, f"weights that an ONNX file has already: {twice[:3]}"
    assert weights < MAX_MODELS_BYTES, f"the models are {weights / 1e6:.1f} MB"
    assert size < MAX_SHIPPED_BYTES, f"the package is {size / 1e6:.1f} MB unpacked"
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, {size / 1e6:.1f} MB unpacked")


def check_page(wheel: Path) -> None:
    """Fails if the web page is not in the wheel, lacks a file that it names, or is too large."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        stray = [name for name in names if "node_modules" in name or name.endswith(".map")]
        assert not stray, f"not meant for the wheel: {stray[:3]}"
        assert PAGE + "index.html" in names, "the web page is not in the wheel"
        index = archive.read(PAGE + "index.html")
        first = set(FIRST.findall(index.decode()))
        assert any(name.endswith(".js") for name in first), f"no script in index.html: {first}"
        missing = {name for name in first if PAGE + name not in names}
        assert not missing, f"index.html names files that are not there: {missing}"
        size = sum(len(gzip.compress(archive.read(PAGE + name))) for name in first)
    size += len(gzip.compress(index))
    assert size < MAX_FIRST_LOAD_BYTES, f"the page's first load is {size} bytes compressed"
    print(f"wheel: the web page is inside; first load {size / 1e3:.0f} kB")


def check_refused(crispen: Path, folder: Path) -> None:
    """Fails if a command without its extra prints anything but the line that installs it."""
    for arguments, line in REFUSED.items():
        said = subprocess.run(
            [str(crispen), *arguments], cwd=folder, capture_output=True, text=True, check=False
        )
        assert said.returncode == 2, f"crispen {arguments[0]}: exit code {said.returncode}"
        assert line in said.stderr, said.stderr
        assert len(said.stderr.splitlines()) == 1, said.stderr
    print(f"wheel: {len(REFUSED)} commands name the extra that they need")


def size_of(folder: Path) -> float:
    """Megabytes of all files in a folder."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6


def check_served(crispen: Path, folder: Path) -> None:
    """Fails if the installed server does not serve its page and the files that it names."""
    command = [str(crispen), "serve", "--port", "0", "--folder", str(folder / "served")]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            address = re.search(r"http://\S+", line)
            assert address is not None, f"no address in what 'crispen serve' printed: {line!r}"

            def fetch(path: str) -> tuple[str, bytes]:
                with urllib.request.urlopen(address[0] + path, timeout=60) as answer:
                    return answer.headers.get_content_type(), answer.read()

            kind, index = fetch("/")
            assert kind == "text/html", kind
            named = FIRST.findall(index.decode())
            kinds = {name: fetch(f"/{name}")[0] for name in named}
            expected = {
                ".js": "text/javascript",
                ".css": "text/css",
                ".svg": "image/svg+xml",
                ".png": "image/png",
                ".webmanifest": "application/manifest+json",
            }
            wrong = {n: k for n, k in kinds.items() if expected.get(Path(n).suffix) != k}
            assert not wrong, f"served as something else: {wrong}"
            assert json.loads(fetch("/api/v1/health")[1])["status"] == "ok"
        finally:
            server.terminate()
    assert server.returncode == 0, f"'crispen serve' ended with {server.returncode}"
    print(f"wheel: the page and its {len(kinds)} files are served")


def main() -> None:
    """Fails if any step does."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # as the folders of an image are

        def run(*command: str | Path) -> None:
            # Outside the repository, so that only the installed package is found.
            subprocess.run([str(part) for part in command], check=True, cwd=folder)

        pip = ("-m", "pip", "--quiet", "--disable-pip-version-check")
        build = (sys.executable, "-m", "hatchling", "build", "--target", "wheel")
        subprocess.run([*build, "--directory", name], check=True, cwd=ROOT)
        (wheel,) = folder.glob("crispen-*.whl")
        check_size(wheel)
        check_page(wheel)
        venv.create(folder / "venv", with_pip=True)
        python = folder / "venv/bin/python"
        run(python, *pip, "install", "-c", ROOT / "constraints.txt", wheel)
        run(python, "-c", PROBE)
        run(folder / "venv/bin/crispen", "enhance", "in.png", "-o", "out.png")
        run(folder / "venv/bin/crispen", "models")
        run(python, "-c", RESULT)
        check_refused(folder / "venv/bin/crispen", folder)
        print(f"wheel: the small install has {size_of(folder / 'venv'):.0f} MB")
        run(python, *pip, "install", "-c", ROOT / "constraints.txt", f"{wheel}[server]")
        check_served(folder / "venv/bin/crispen", folder)
        check_container(folder / "venv")


if __name__ == "__main__":
    main()
