"""Crispen makes low-quality pictures and videos look good again.

``enhance(picture, scale=2)`` is the place to start, ``load(name)`` gives a model to call,
``models()`` lists the available models, ``enhance_video(source, target)`` does videos. Pictures
are paths, bytes, PIL images, NumPy arrays or `Image`; results are `Image`.

Names are imported when first used: ``import crispen`` itself is instant.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from crispen._rooms import House
from crispen.errors import (
    Cancelled,
    CrispenError,
    InputError,
    MissingExtra,
    MissingInput,
    ModelError,
    OutputError,
    ServerError,
    TrainingError,
    UsageError,
)
from crispen.progress import Event, Progress

if TYPE_CHECKING:
    from crispen.asynchronous import enhance_async, enhance_video_async
    from crispen.client.clients import AsyncClient, Client
    from crispen.enhance.api import enhance, enhance_video
    from crispen.enhance.enhancer import Enhancer
    from crispen.enhance.model import Model, load
    from crispen.enhance.target import Target
    from crispen.evaluate.before_after import BeforeAfter, compare
    from crispen.evaluate.clip_preview import preview_video
    from crispen.media.image import Image, read_image
    from crispen.models import models
    from crispen.models.card import ModelCard

# OpenVINO reports each import to its makers, in a process that it forks, and keeps an id in the
# home folder. It does neither if the package for that is missing: nothing leaves the machine.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

__version__ = "0.2.0"

__all__ = [
    "AsyncClient",
    "BeforeAfter",
    "Cancelled",
    "Client",
    "CrispenError",
    "Enhancer",
    "Event",
    "Image",
    "InputError",
    "MissingExtra",
    "MissingInput",
    "Model",
    "ModelCard",
    "ModelError",
    "OutputError",
    "Progress",
    "ServerError",
    "Target",
    "TrainingError",
    "UsageError",
    "compare",
    "enhance",
    "enhance_async",
    "enhance_video",
    "enhance_video_async",
    "load",
    "models",
    "preview_video",
    "read_image",
]

_HOME = {
    "AsyncClient": "crispen.client.clients",
    "BeforeAfter": "crispen.evaluate.before_after",
    "Client": "crispen.client.clients",
    "Enhancer": "crispen.enhance.enhancer",
    "Image": "crispen.media.image",
    "Model": "crispen.enhance.model",
    "ModelCard": "crispen.models.card",
    "Target": "crispen.enhance.target",
    "compare": "crispen.evaluate.before_after",
    "enhance": "crispen.enhance.api",
    "enhance_async": "crispen.asynchronous",
    "enhance_video": "crispen.enhance.api",
    "enhance_video_async": "crispen.asynchronous",
    "load": "crispen.enhance.model",
    "models": "crispen.models",
    "preview_video": "crispen.evaluate.clip_preview",
    "read_image": "crispen.media.image",
}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'crispen' has no attribute '{name}'")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


sys.modules[__name__].__class__ = House
