"""OpenVINO: the default on CPUs (int8 and bf16 where the CPU has them), Intel GPUs and NPUs.

All work from input to output pixels is inside two graphs (`crispen.engines._graphs`,
`crispen.engines._paint`). Graphs of a fixed shape run faster than flexible ones, so each window
shape is compiled on first use, and the last few are cached; use windows of equal size if possible.
The paint always runs on the CPU.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np
import openvino as ov

from crispen.engines._blocks import unfold
from crispen.engines._eight_bits import eight_bits, has_eight_bits
from crispen.engines._failures import FAILURES, last_line
from crispen.engines._graphs import in_blocks, network_graph, values_per_px
from crispen.engines._nodes import Window
from crispen.engines._paint import block_paint_graph, paint_graph
from crispen.engines.base import Pixels, check_window, color_near, guessed_bytes_per_px
from crispen.engines.devices import cpu_features, has_slow_bf16
from crispen.errors import Cancelled, CrispenError, ModelError, UsageError
from crispen.models.card import ModelCard
from crispen.models.dials import Dials, read_told

KEPT_SHAPES = 6
_PRECISIONS = {
    "int8": ov.Type.i8,
    "bf16": ov.Type.bf16,
    "fp16": ov.Type.f16,
    "fp32": ov.Type.f32,
}


class _Plan:
    """Both graphs compiled for one window, and idle requests for reuse."""

    def __init__(
        self,
        network: ov.CompiledModel,
        paint: ov.CompiledModel,
        card: ModelCard,
        in_blocks: bool = False,
    ) -> None:
        self._network = network
        self._paint = paint
        self._in_blocks = in_blocks
        self._card = card
        self._colored = len(paint.inputs) > 2
        self._idle: list[tuple[ov.InferRequest, ov.InferRequest]] = []
        self._busy: dict[int, ov.InferRequest] = {}
        self._lock = threading.Lock()

    def run(self, pixels: Pixels, answer: Pixels) -> None:
        try:
            network, paint = self._idle.pop()
        except IndexError:  # more concurrent callers than before
            network = self._network.create_infer_request()
            paint = self._paint.create_infer_request()
            paint.set_input_tensor(1, network.get_output_tensor(0))
        window = ov.Tensor(pixels, shared_memory=True)
        network.set_input_tensor(0, window)
        paint.set_input_tensor(0, window)
        if not self._in_blocks:
            paint.set_output_tensor(0, ov.Tensor(answer, shared_memory=True))
        thread = threading.get_ident()
        with self._lock:
            self._busy[thread] = network
        try:
            network.start_async()
            if self._colored:  # meanwhile
                near = color_near(pixels, self._card)
                paint.set_input_tensor(2, ov.Tensor(near, shared_memory=True))
            network.wait()
        except RuntimeError as error:
            if "cancel" in str(error):
                self._idle.append((network, paint))
                raise Cancelled() from None
            raise _cannot_compute(error) from error
        finally:
            with self._lock:
                del self._busy[thread]
        try:
            paint.infer()
        except RuntimeError as error:
            raise _cannot_compute(error) from error
        if self._in_blocks:
            unfold(paint.get_output_tensor(0).data, answer)
        self._idle.append((network, paint))

    def interrupt(self, thread: int) -> None:
        with self._lock:  # so that no other thread has the request
            request = self._busy.get(thread)
            if request is not None:
                request.cancel()


def _cannot_compute(error: RuntimeError) -> ModelError:
    return ModelError(
        f"the network's computation failed ({last_line(error)}); reduce --memory, or choose "
        "another --device"
    )


class OpenVinoEngine:
    """One network through OpenVINO; see `crispen.engines.base.Engine`.

    Args:
        path: The ONNX file.
        card: Its card.
        dials: Settings of the network's dials; all are estimated from the picture unless given.
        device: ``cpu``, ``gpu``, ``gpu.1``, ``npu``.
        threads: CPU threads; all cores unless given.
        precision: ``int8``, ``bf16``, ``fp16`` or ``fp32``; the fastest that is precise enough
            unless given: int8 if the network was trained for it and the CPU has VNNI, else bf16
            if the CPU is faster in it and the network returns a residual. A network that carries
            the picture through its layers would lose up to 0.5 dB, so those of its layers that
            are not int8 run in fp32.
        streams: Number of concurrent calls of `run`, each on a share of the threads; with 1, each
            call uses all threads, and further calls wait.

    Raises:
        ModelError: The file cannot be loaded.
        UsageError: No such precision, or not for this network.
    """

    name = "openvino"

    def __init__(
        self,
        path: Path,
        card: ModelCard,
        *,
        dials: Dials | None = None,
        device: str = "cpu",
        threads: int | None = None,
        precision: str | None = None,
        streams: int = 1,
    ) -> None:
        self.card = card
        self.dials = dials
        self.device = device
        self._core = ov.Core()
        content = read_told(path, dials)
        try:
            # From bytes, so that only the ONNX front end reads it, regardless of the file's name.
            self._model = self._core.read_model(content)
        except FAILURES as error:
            raise ModelError(
                f"{path}: not a model OpenVINO can load; download or export it again"
            ) from error
        self.precision = precision or self._best_precision()
        if self.precision not in _PRECISIONS:
            raise UsageError(f"precision must be {', '.join(_PRECISIONS)}, not {self.precision}")
        if self.precision == "int8" and not has_eight_bits(self._model):
            raise UsageError(
                f"{card.name} was not trained for int8; use bf16 or fp32, or train it with "
                'activation = "clipped-relu"'
            )
        self._threads = threads
        self._streams = streams
        self._plans: OrderedDict[Window, _Plan] = OrderedDict()
        self._lock = threading.Lock()

    def _best_precision(self) -> str:
        carries_picture = self.card.base == "none"
        if self.device != "cpu":
            return "fp32" if carries_picture else "fp16"
        # Others' networks may limit their activations too, and were not trained for int8.
        trained = self.card.int8 or not carries_picture
        if trained and "VNNI" in cpu_features() and has_eight_bits(self._model):
            return "int8"
        return "bf16" if self._has_bf16() and not carries_picture else "fp32"

    def _has_bf16(self) -> bool:
        """Whether bf16 is faster than fp32 here."""
        return not has_slow_bf16() and "BF16" in self._core.get_property(
            "CPU", "OPTIMIZATION_CAPABILITIES"
        )

    @functools.cached_property
    def _beside_int8(self) -> str:
        """Precision of the layers of a network in int8 that are not int8 themselves."""
        return "bf16" if self._has_bf16() and self.card.base == "bicubic" else "fp32"

    @functools.cached_property
    def bytes_per_px(self) -> float:
        """See `Engine`.

        1.5 times the widest layer's input and output, for the layout changes around it, plus
        three or four copies of the three-channel picture in 32 bits. Measured: windows take 50 to
        100 % of it; only the thinnest networks take a third more. In int8 the input and output of
        the first and the last layer are in bf16 or fp32, and rounded beside it.
        """
        try:
            values = values_per_px(self._model.clone(), self.card)
        except FAILURES:  # errors in the model are reported when it runs
            return guessed_bytes_per_px(self.card)
        pictures = (36.0 if self.card.color == "luma" else 48.0) * self.card.scale**2
        precision = self._beside_int8 if self.precision == "int8" else self.precision
        return 1.5 * values * (4 if precision == "fp32" else 2) + pictures

    def _compile(self, model: ov.Model, device: str, precision: str) -> ov.CompiledModel:
        if precision == "int8":
            precision = self._beside_int8
        options: dict[str, object] = {"INFERENCE_PRECISION_HINT": _PRECISIONS[precision]}
        if device == "cpu":
            options["NUM_STREAMS"] = self._streams
            if self._threads is not None:
                options["INFERENCE_NUM_THREADS"] = self._threads
        return self._core.compile_model(model, device.upper(), options)

    def _plan(self, window: Window) -> _Plan:
        with self._lock:
            plan = self._plans.get(window)
            if plan is None:
                try:
                    plan = self._compiled(window)
                except CrispenError:
                    raise
                except FAILURES as error:
                    raise ModelError(
                        f"{self.card.name}: cannot run on {window.width}x{window.height} windows "
                        f"({last_line(error)}); check colour, scale and base in its card"
                    ) from error
                self._plans[window] = plan
                if len(self._plans) > KEPT_SHAPES:
                    self._plans.popitem(last=False)
            self._plans.move_to_end(window)
            return plan

    def _compiled(self, window: Window) -> _Plan:
        model, kind, blocks = self._model.clone(), ov.Type.f32, None
        if self.precision == "int8":
            blocks = in_blocks(model, self.card, window)
            model = blocks or model
            eight_bits(model)
        if blocks is None:
            paint = paint_graph(self.card, window)
        else:
            kind = _PRECISIONS[self._beside_int8]
            paint = block_paint_graph(self.card, window, kind)
        network = network_graph(model, self.card, window, kind, self.precision == "int8")
        return _Plan(
            self._compile(network, self.device, self.precision),
            self._compile(paint, "cpu", "fp32"),
            self.card,
            in_blocks=blocks is not None,
        )

    def run(self, pixels: Pixels, *, peak: int | None = None, studio: bool = False) -> Pixels:
        """See `Engine.run`."""
        peak = check_window(pixels, peak)
        height, width, channels = pixels.shape
        studio = studio and channels == 1
        plan = self._plan(Window(height, width, channels, pixels.dtype.name, peak, studio))
        scale = self.card.scale
        answer: Pixels = np.empty((height * scale, width * scale, channels), pixels.dtype)
        # Requests share this memory; OpenVINO needs it contiguous and writeable.
        plan.run(np.require(pixels, requirements=["C", "W"]), answer)
        return answer

    def interrupt(self, thread: int) -> None:
        """See `Engine.interrupt`; it takes effect between two layers of the network."""
        with self._lock:
            plans = list(self._plans.values())
        for plan in plans:
            plan.interrupt(thread)

    def close(self) -> None:
        """Drop the compiled graphs; the next `run` would compile them again."""
        with self._lock:
            self._plans.clear()
