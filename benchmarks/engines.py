"""Frames per second of one network in four runtimes, interleaved in one run.

``python benchmarks/engines.py`` prints a table. Crispen's engine goes from bytes to bytes, base,
clipping and rounding included; the others run the bare graph from floats to floats, which favours
them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
import onnx
import onnxruntime
import torch

from crispen.engines.openvino import OpenVinoEngine
from crispen.engines.torch import TorchEngine
from crispen.models.store import find

Frame = Callable[[], object]


def opencv(path: str, planes: np.ndarray, threads: int) -> tuple[str, Frame]:
    """OpenCV's dnn, without the bicubic base if it cannot read the edge padding."""
    cv2.setNumThreads(threads)
    model = onnx.load(path)
    name = "OpenCV dnn"
    try:
        net = cv2.dnn.readNetFromONNX(path)
        net.setInput(planes)
        net.forward()
    except cv2.error:
        shuffle = next(n for n in model.graph.node if n.op_type == "DepthToSpace")
        shuffle.input[0] = "residual"
        shuffle.output[0] = "output"
        keep = ("Conv", "Relu", "DepthToSpace")
        nodes = [
            n for n in model.graph.node if n.op_type in keep and "/Pad_output_0" not in n.input
        ]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        net = cv2.dnn.readNetFromONNX(np.frombuffer(model.SerializeToString(), np.uint8))
        name = "OpenCV dnn (network alone)"

    def frame() -> object:
        net.setInput(planes)
        return net.forward()

    return name, frame


def contenders(name: str, height: int, width: int, threads: int) -> dict[str, Frame]:
    """Name → one frame."""
    path, card = find(name)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (height, width, 1)).astype(np.uint8)
    planes = np.ascontiguousarray((pixels / 255).astype(np.float32).transpose(2, 0, 1)[None])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    torch.set_num_threads(threads)
    walker = TorchEngine(path, card)
    engine = OpenVinoEngine(path, card, threads=threads)
    exact = OpenVinoEngine(path, card, threads=threads, precision="fp32")
    cv_name, cv_frame = opencv(str(path), planes, threads)
    return {
        f"Crispen ({engine.precision})": lambda: engine.run(pixels, studio=True),
        "Crispen (fp32)": lambda: exact.run(pixels, studio=True),
        "ONNX Runtime": lambda: session.run(None, {"input": planes}),
        cv_name: cv_frame,
        f"PyTorch {torch.__version__}": lambda: walker.answer(planes),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="espcn-x2")
    parser.add_argument("--size", default="960x540", help="WIDTHxHEIGHT of a frame")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    frames = contenders(given.model, height, width, given.threads)
    seconds: dict[str, list[float]] = {name: [] for name in frames}
    for turn in range(given.rounds + 2):
        for name, frame in frames.items():
            began = time.perf_counter()
            frame()
            if turn >= 2:  # the first runs compile and warm up
                seconds[name].append(time.perf_counter() - began)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    ours = next(iter(median.values()))
    print(f"{given.model}, {given.size} luma, {given.threads} threads, median of {given.rounds}\n")
    print("| engine | ms | frames/s | Crispen is faster by |")
    print("| --- | ---: | ---: | ---: |")
    for name, time_s in median.items():
        print(f"| {name} | {time_s * 1e3:.1f} | {1 / time_s:.1f} | {time_s / ours:.2f}× |")


if __name__ == "__main__":
    main()
