"""The two files of an ncnn model: its layers, and their weights.

Source: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crispen.errors import ModelError

_MAGIC = "7767517"
_HALF = 0x01306B47

Options = dict[int, float | list[float]]


@dataclass
class Layer:
    """One line of the ``.param`` file."""

    kind: str
    name: str
    inputs: list[str]
    outputs: list[str]
    options: Options

    def integer(self, key: int, default: int = 0) -> int:
        """A whole number."""
        value = self.options.get(key, default)
        if isinstance(value, list):
            raise ModelError(f"layer {self.name} ({self.kind}): parameter {key} is a list")
        return int(value)

    def number(self, key: int, default: float = 0.0) -> float:
        """A number."""
        value = self.options.get(key, default)
        if isinstance(value, list):
            raise ModelError(f"layer {self.name} ({self.kind}): parameter {key} is a list")
        return float(value)

    def numbers(self, key: int) -> list[float]:
        """A list, which the file stores under another key."""
        value = self.options.get(-23300 - key, [])
        return value if isinstance(value, list) else [value]

    def refuse(self, what: str) -> ModelError:
        """The error for an unsupported parameter."""
        return ModelError(f"layer {self.name} ({self.kind}): {what} cannot be translated")


def read_layers(text: str) -> list[Layer]:
    """The lines of a ``.param`` file.

    Raises:
        ValueError: It is none, or broken.
    """
    lines = text.split("\n")
    if lines[0].strip() != _MAGIC:
        raise ValueError("it does not begin as models of ncnn do")
    layers = []
    for line in lines[2:]:
        words = line.split()
        if not words:
            continue
        ins, outs = int(words[2]), int(words[3])
        names = words[4 : 4 + ins + outs]
        options: Options = {}
        for word in words[4 + ins + outs :]:
            key, _, value = word.partition("=")
            parts = [float(part) for part in value.split(",")]
            options[int(key)] = parts[1:] if int(key) <= -23300 else parts[0]
        layers.append(Layer(words[0], words[1], names[:ins], names[ins:], options))
    return layers


class Weights:
    """The ``.bin`` file, read from its beginning."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def take(self, count: int) -> NDArray[np.float32]:
        """Numbers of 32 bits."""
        return self._read(count, np.dtype("<f4"))

    def take_flagged(self, count: int) -> NDArray[np.float32]:
        """Numbers after a tag that states their bits."""
        mark = int(self._read(1, np.dtype("<u4"))[0])
        if mark == _HALF:
            values = self._read(count, np.dtype("<f2"))
            self._at = (self._at + 3) // 4 * 4
            return values
        if mark:
            raise ModelError(f"weights of kind {mark:#x} cannot be read; only 32 and 16 bits can")
        return self.take(count)

    def _read(self, count: int, kind: np.dtype[np.generic]) -> NDArray[np.float32]:
        end = self._at + count * kind.itemsize
        if count < 0 or end > len(self._content):
            raise ValueError("the weights end too early")
        values = np.frombuffer(self._content[self._at : end], kind)
        self._at = end
        return values if kind.kind == "u" else values.astype(np.float32)

    def check_end(self) -> None:
        """All of them belong to a layer."""
        if self._at != len(self._content):
            raise ValueError("it holds more weights than its layers take")
