"""Third-party networks from the library ``spandrel``.

::

    [network]
    kind = "spandrel"
    architecture = "SPAN"
    feature_channels = 32

``architecture`` is one of the library's networks. Every further key is an argument of its class,
checked as strictly as those of our own networks. Scale and number of channels come from the
recipe. ``train.start`` may name a published file of the same architecture (``.pth``, ``.pt``,
``.safetensors``). The receptive field of such a network is not documented, so it is measured when
a model is made from it.
"""

from __future__ import annotations

import warnings
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator
from torch import Tensor, nn

from crispen.errors import ModelError, UsageError, nearest_names
from crispen.lab.networks.base import Architecture, Network
from crispen.lab.networks.spandrel_library import (
    arguments_of,
    class_of,
    given_by_recipe,
    library,
)


class Foreign(Network):
    """A network from spandrel.

    Args:
        model: Its layers.
        descriptor: The library's description of such weights.

    Raises:
        ModelError: The network does not map one picture to one picture.

    Attributes:
        model: The layers; their weights are named as in published files.
        title: The architecture, and the library's name for its size.
        settled: Whether halo, multiple and window were measured; see `crispen.lab.settling`.
    """

    def __init__(self, model: nn.Module, descriptor: Any) -> None:
        title = " ".join([descriptor.architecture.name, *descriptor.tags])
        if getattr(descriptor, "purpose", "") not in ("SR", "Restoration"):
            raise ModelError(
                f"{title}: fills holes or restores faces only, and neither is done here; choose "
                "a network for whole pictures"
            )
        if descriptor.input_channels != descriptor.output_channels:
            raise ModelError(
                f"{title}: takes {descriptor.input_channels} channels and gives "
                f"{descriptor.output_channels}; only networks with as many of both will do"
            )
        if descriptor.input_channels not in (1, 3):
            raise ModelError(
                f"{title}: takes {descriptor.input_channels} channels; only 1 (luma) and 3 (RGB) "
                "will do"
            )
        super().__init__(descriptor.scale, descriptor.input_channels)
        self.model = model
        self.title = title
        self.settled = False
        sizes = descriptor.size_requirements
        self.multiple = max(sizes.multiple_of, sizes.minimum)
        if sizes.square:
            self.window_px = self.multiple
        # Some also take a plane of noise, or give more than one output.
        self._call = descriptor._call_fn

    def forward(self, x: Tensor) -> Tensor:
        """See `Network`; gets a copy, since some networks change their input."""
        return self.finish(self._call(self.model, x.clone()))


def recognised(weights: dict[str, Tensor]) -> Any:
    """The library's description of weights, with a network that holds them.

    Raises:
        ModelError: They fit no architecture that the library knows.
    """
    spandrel = library()
    try:
        return spandrel.MAIN_REGISTRY.load(weights)
    except spandrel.UnsupportedModelError:
        known = sorted(support.architecture.name for support in spandrel.MAIN_REGISTRY)
        raise ModelError(
            f"its weights are of none of the architectures that spandrel knows ({', '.join(known)})"
        ) from None
    except (RuntimeError, KeyError, ValueError, IndexError, AssertionError) as error:
        reason = str(error).strip().splitlines()[-1].strip() if str(error).strip() else "no reason"
        raise ModelError(f"spandrel cannot read its weights ({reason})") from error


class SpandrelTable(Architecture):
    """The ``[network]`` table of a spandrel network: its name and its own arguments."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: Literal["spandrel"] = "spandrel"
    architecture: str = Field(
        description="the network's name in spandrel, such as SPAN or RealPLKSR"
    )

    @model_validator(mode="after")
    def _arguments_fit(self) -> Self:
        table, extra = arguments_of(self.architecture), self.model_extra or {}
        for name, is_scale in given_by_recipe(self.architecture).items():
            if name in extra:
                raise UsageError(
                    f"{name}: is the recipe's {'scale' if is_scale else 'data.color'}; set that"
                )
        try:
            checked = table.model_validate(extra)
        except ValidationError as error:
            first = error.errors()[0]
            key = str(first["loc"][0])
            if first["type"] == "extra_forbidden":
                hint = nearest_names(key, table.model_fields)
                hint = hint or f"; those are {', '.join(table.model_fields)}"
                raise UsageError(f"{key}: {self.architecture} has no such argument{hint}") from None
            raise UsageError(f"{key}: {first['msg']}") from None
        # Every value is written out, so that a run records what its network was built from.
        object.__setattr__(self, "__pydantic_extra__", checked.model_dump(exclude_none=True))
        return self

    def build(self, scale: int, channels: int) -> Foreign:
        """See `Architecture.build`."""
        made = class_of(self.architecture)
        given = {
            name: scale if is_scale else channels
            for name, is_scale in given_by_recipe(self.architecture).items()
        }
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # for functions that its code still calls
                model = made(**given, **(self.model_extra or {}))
                # The library identifies a network by its weights alone, so no copy is shared.
                weights = {name: value.clone() for name, value in model.state_dict().items()}
                network = Foreign(model, recognised(weights))
        except UsageError:
            raise
        except Exception as error:  # whatever a constructor raises
            raise UsageError(f"network {self.architecture}: cannot be built: {error}") from error
        if (network.scale, network.channels) != (scale, channels):
            raise UsageError(
                f"network {self.architecture}: with these arguments it enlarges {network.scale} "
                f"times and takes {network.channels} channels, not {scale} and {channels}; correct "
                "them, or the recipe's scale or data.color"
            )
        return network

    def describe(self) -> str:
        """See `Architecture.describe`."""
        usual = arguments_of(self.architecture).model_fields
        said = []
        for name, value in (self.model_extra or {}).items():
            default = usual[name].default
            if value != (list(default) if isinstance(default, tuple) else default):
                said.append(f"{name} {value}")
        return ", ".join([f"{self.architecture} of spandrel", *said])
