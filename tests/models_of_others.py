"""Networks of other makers, where to fetch them, and a folder to put them in."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from crispen.models import store

from .http_servers import running

GOOD = (store.SHIPPED / "photo-fast-x2.onnx").read_bytes()
DIGEST = hashlib.sha256(GOOD).hexdigest()


def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of this test."""
    chosen = tmp_path / "mine" / "models"
    monkeypatch.setenv("CRISPEN_MODELS", str(chosen))
    return chosen


def foreign(path: Path, channels: int = 3, scale: int = 2, sides=("h", "w"), inputs: int = 1):
    """A network of another maker: nearest enlargement by `scale`, no card."""
    out = channels * scale * scale
    kernel = np.kron(np.eye(channels), np.ones((scale * scale, 1))).astype(np.float32)
    names = ["picture", *(f"more{i}" for i in range(1, inputs))]
    value_in = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, channels, *sides]) for n in names
    ]
    value_out = helper.make_tensor_value_info("big", TensorProto.FLOAT, [1, channels, "H", "W"])
    nodes = [
        helper.make_node("Sum", names, ["sum"]),
        helper.make_node("Conv", ["sum", "k"], ["c"]),
        helper.make_node("DepthToSpace", ["c"], ["big"], blocksize=scale, mode="CRD"),
    ]
    weights = [numpy_helper.from_array(kernel.reshape(out, channels, 1, 1), "k")]
    graph = helper.make_graph(nodes, "g", value_in, [value_out], weights)
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


class _Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/good.onnx":
            self.send_response(200)
            self.send_header("Content-Length", str(len(GOOD)))
            self.end_headers()
            self.wfile.write(GOOD)
        elif self.path == "/cut.onnx":
            self.send_response(200)
            self.send_header("Content-Length", str(len(GOOD)))
            self.end_headers()
            self.wfile.write(GOOD[:1000])
        else:
            self.send_error(404)

    def log_message(self, *args: object) -> None:
        pass


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The address of a server that has ``good.onnx`` and ``cut.onnx``."""
    with running(_Server) as url:
        yield url
