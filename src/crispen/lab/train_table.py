"""The recipe's ``[train]`` table: optimiser, schedule and logging."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from crispen.lab.table import Table

Momentum = Annotated[float, Field(ge=0, lt=1)]
Epoch = Annotated[int, Field(ge=1)]
OptimizerName = Literal["adam", "adamw", "sgd", "adan", "lion", "muon", "schedule-free"]
# Unlike Adam's, as their papers have them.
BETAS: dict[str, tuple[float, ...]] = {"adan": (0.98, 0.92, 0.99), "muon": (0.95, 0.9, 0.99)}
_ADAM_BETAS = (0.9, 0.99)


class Train(Table):
    """Optimiser, schedule and logging of a training run."""

    steps: int = Field(20_000, ge=1, description="optimiser steps")
    epochs: int = Field(0, ge=0, description="passes through the data, in place of `steps`; 0: off")
    optimizer: OptimizerName = Field(
        "adam",
        description="the optimiser; muon leaves biases, and the first and the last layer, to "
        "AdamW; schedule-free is AdamW with its own average in place of `ema` and a decaying "
        "schedule",
    )
    learning_rate: float = Field(1e-3, gt=0, lt=10, description="peak learning rate")
    betas: tuple[Momentum, ...] = Field(
        _ADAM_BETAS,
        description="betas of the optimiser; the first is the momentum of sgd; unless given, "
        "[0.98, 0.92, 0.99] for adan, and for muon [0.95, 0.9, 0.99]: its momentum, then AdamW's",
    )
    weight_decay: float = Field(
        0.0, ge=0, description="weight decay; for adam and sgd an L2 term of the gradient"
    )
    schedule: Literal["wsd", "constant", "cosine", "plateau"] = Field(
        "wsd",
        description="after the warm-up: constant, then linearly to zero (wsd); constant; half a "
        "cosine to zero; reduced whenever validation stops improving (plateau); schedule-free "
        "has constant",
    )
    warmup: int = Field(200, ge=0, description="steps to reach the peak learning rate")
    decay: float = Field(0.4, ge=0, le=1, description="wsd: share of the steps that decay to zero")
    plateau_factor: float = Field(0.5, gt=0, lt=1, description="plateau: factor of each cut")
    plateau_patience: int = Field(
        5, ge=1, description="plateau: validations without improvement before a cut"
    )
    patience: int = Field(
        0, ge=0, description="validations without improvement before early stopping; 0: never"
    )
    ema: float = Field(
        0.999,
        ge=0,
        lt=1,
        description="decay of the averaged weights; 0: none, as with schedule-free",
    )
    clip: float = Field(0.0, ge=0, description="maximum norm of the gradient; 0: no limit")
    accumulate: int = Field(1, ge=1, description="batches per optimiser step")
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto",
        description="precision of the layers; auto: bf16, and fp32 on CPUs where that is faster",
    )
    seed: int = Field(0, ge=0, description="seed of weights, crops and noise")
    start: str = Field(
        "",
        description="checkpoint or model, by name or as an ONNX file, for the initial weights; "
        "for a network of spandrel also a .pth, .pt or .safetensors file; of a wider plain "
        "network, its most important channels",
    )
    save_every: int = Field(1000, ge=1, description="steps between checkpoints")
    validate_every: int = Field(2000, ge=1, description="steps between validations")
    log_every: int = Field(100, ge=1, description="steps between lines of the log")
    sample_every: int = Field(5000, ge=0, description="steps between sample sheets; 0: none")
    sample_epochs: tuple[Epoch, ...] = Field((), description="epochs with a sample sheet")
    keep_epochs: tuple[Epoch, ...] = Field(
        (), description="epochs whose checkpoint is kept, as epoch-0001.ckpt"
    )

    @model_validator(mode="before")
    @classmethod
    def _usual(cls, table: Any) -> Any:
        """Fills in the defaults that depend on the optimiser, so that a run records them."""
        if not isinstance(table, dict):
            return table
        optimizer = table.get("optimizer")
        usual: dict[str, Any] = {}
        if isinstance(optimizer, str) and optimizer in BETAS:
            usual["betas"] = BETAS[optimizer]
        if optimizer == "schedule-free":
            usual |= {"ema": 0.0, "schedule": "constant"}
        return usual | table

    @model_validator(mode="after")
    def _fits(self) -> Self:
        name, usual = self.optimizer, BETAS.get(self.optimizer, _ADAM_BETAS)
        if len(self.betas) != len(usual):
            raise ValueError(
                f"betas: {name} has {len(usual)}, not {len(self.betas)}; leave them out, or give "
                f"them as in {list(usual)}"
            )
        if name == "schedule-free":
            if self.ema:
                raise ValueError(
                    "ema: schedule-free averages the weights itself; leave ema out or set it to 0"
                )
            if self.schedule != "constant":
                raise ValueError(
                    f"schedule: schedule-free replaces {self.schedule}; leave schedule out or set "
                    'it to "constant"'
                )
            if not self.betas[0]:
                raise ValueError("betas: the first beta of schedule-free is above 0, as in 0.9")
        return self
