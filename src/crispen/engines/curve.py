"""Runs a network that returns a tone curve: once per picture; then pixels are looked up.

See `crispen.models.curve`. The network itself is so small that it always runs on the CPU.
"""

from __future__ import annotations

import copy
import threading
from pathlib import Path
from typing import Any, cast

import numpy as np

from crispen.engines.base import Pixels, check_window
from crispen.errors import ModelError
from crispen.media.color import BT601_STUDIO
from crispen.models.card import ModelCard
from crispen.models.curve import Curve, Overview, simplest
from crispen.models.dials import Dials
from crispen.models.traces import find_edit

# A picture whose channels differ by no more has no colour to correct.
_NEUTRAL = 2 / 255


class CurveEngine:
    """An `Engine` whose result depends on an overview of the whole picture.

    Args:
        path: The ONNX file: ``view`` and ``statistics`` in, ``curve`` out.
        card: Its card.

    Attributes:
        card: The network's card.
        dials: None; it has none.
        name: ``openvino``.
        device: ``cpu``.
        precision: ``fp32``.
        curve: The lookup curve. If None, each window is treated as a whole picture.

    Raises:
        ModelError: The file cannot be loaded.
    """

    dials: Dials | None = None
    name = "openvino"
    device = "cpu"
    precision = "fp32"
    bytes_per_px = 12.0

    def __init__(self, path: Path, card: ModelCard) -> None:
        import openvino as ov

        self.card = card
        self.curve: Curve | None = None
        core = ov.Core()
        options = {"INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": "1"}
        try:
            # Not by its path, which may contain characters that OpenVINO rejects.
            compiled = core.compile_model(core.read_model(path.read_bytes()), "CPU", options)
        except (RuntimeError, OSError) as error:
            raise ModelError(f"{path}: cannot be loaded; fetch or export it again") from error
        self._request: Any = compiled.create_infer_request()
        self._lock = threading.Lock()

    def showing(self, overview: Overview | None) -> CurveEngine:
        """The same engine for one picture.

        Args:
            overview: Of the whole picture; None if each window is a picture.
        """
        mine = copy.copy(self)
        mine.curve = None if overview is None else self.look(overview)
        return mine

    def look(self, overview: Overview) -> Curve:
        """The curve for the picture with that overview.

        If its histograms show which tone edit it has gone through, the edit is undone; else the
        network decides.
        """
        edit = None if overview.histograms is None else find_edit(overview.histograms)
        if edit is not None:
            return edit.undone
        with self._lock:  # one request, used by one thread at a time
            self._request.infer([overview.view[None], overview.statistics[None]])
            values = np.array(self._request.get_output_tensor(0).data[0], np.float64)
        if overview.colorfulness <= _NEUTRAL:
            values[:] = values.mean(axis=0)
        return simplest(Curve(values), overview)

    def run(self, pixels: Pixels, *, peak: int | None = None, studio: bool = False) -> Pixels:
        """See `Engine.run`; a grey picture gets the mean of the three curves."""
        peak = check_window(pixels, peak)
        channels = pixels.shape[2]
        studio = studio and channels == 1
        curve = self.curve
        if curve is None:
            full = _as_full_range(pixels, peak) if studio else pixels
            curve = self.look(Overview.of(full, peak, stored=not studio))
        tables = curve.tables(peak, grey=channels == 1, studio=studio).astype(pixels.dtype)
        out = np.empty_like(pixels)
        for channel in range(channels):
            # Levels beyond the peak do not occur.
            np.take(tables[channel], pixels[..., channel], out=out[..., channel], mode="clip")
        return out

    def interrupt(self, thread: int) -> None:
        """See `Engine.interrupt`; runs here are short."""

    def close(self) -> None:
        """See `Engine.close`."""


def _as_full_range(pixels: Pixels, peak: int) -> Pixels:
    swing, black = BT601_STUDIO.luma_weights.sum(), BT601_STUDIO.luma_offset
    levels = (pixels.astype(np.float32) / peak - black) / swing
    return cast(Pixels, np.rint(levels.clip(0, 1) * peak).astype(pixels.dtype))
