"""PyTorch implementations of ONNX operations.

A function takes the node's inputs in order, None where one is left out, and its attributes by
name. Whole numbers that describe shapes stay on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from crispen.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

    Operation = Callable[..., Tensor]

_ZEROS = (0, 0, 0, 0)
# TensorProto.DataType → the name in torch.
_TYPES = {1: "float32", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64"}


def _pairs(pads: Sequence[int]) -> list[int]:
    """ONNX's begins-then-ends as PyTorch's last-axis-first pairs."""
    half = len(pads) // 2
    return [n for axis in reversed(range(half)) for n in (pads[axis], pads[half + axis])]


def _whole(x: Tensor | None) -> list[int]:
    return [] if x is None else [int(n) for n in x.reshape(-1)]


def operations() -> dict[str, Operation]:
    """ONNX operation → function of its inputs and attributes."""
    return {**_arithmetic(), **_shapes(), **_windows(), **_sizes()}


def _arithmetic() -> dict[str, Operation]:
    import functools

    import torch
    from torch.nn import functional as F

    def clip(x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
        return torch.clamp(x, low, high) if low is not None or high is not None else x

    def div(x: Tensor, y: Tensor) -> Tensor:
        whole = not (x.is_floating_point() or y.is_floating_point())
        return torch.div(x, y, rounding_mode="trunc") if whole else torch.div(x, y)

    def gemm(a: Tensor, b: Tensor, c: Tensor | None = None, **how: Any) -> Tensor:
        a, b = (a.T if how.get("transA") else a), (b.T if how.get("transB") else b)
        product = torch.mul(a @ b, how.get("alpha", 1.0))
        return product if c is None else torch.add(product, c, alpha=how.get("beta", 1.0))

    def mean(x: Tensor, axes: Tensor | None = None, **how: Any) -> Tensor:
        chosen = _whole(axes) or list(how.get("axes", range(x.ndim)))
        return x.mean(dim=chosen, keepdim=bool(how.get("keepdims", 1)))

    def normalized(
        x: Tensor, gain: Tensor, bias: Tensor, mean: Tensor, var: Tensor, **how: Any
    ) -> Tensor:
        return F.batch_norm(x, mean, var, gain, bias, eps=how.get("epsilon", 1e-5))

    return {
        "Abs": torch.abs,
        "Add": torch.add,
        "BatchNormalization": normalized,
        "Clip": clip,
        "Div": div,
        "Dropout": lambda x, *_, **__: x,
        "Elu": lambda x, alpha=1.0: F.elu(x, alpha),
        "Erf": torch.erf,
        "Exp": torch.exp,
        "Gelu": lambda x, approximate=b"none": F.gelu(x, approximate=approximate.decode()),
        "Gemm": gemm,
        "HardSigmoid": lambda x, alpha=0.2, beta=0.5: torch.clamp(alpha * x + beta, 0.0, 1.0),
        "HardSwish": F.hardswish,
        "Identity": lambda x: x,
        "InstanceNormalization": lambda x, gain, bias, epsilon=1e-5: F.instance_norm(
            x, weight=gain, bias=bias, eps=epsilon
        ),
        "LeakyRelu": lambda x, alpha=0.01: F.leaky_relu(x, alpha),
        "MatMul": torch.matmul,
        "Max": lambda *x: functools.reduce(torch.maximum, x),
        "Min": lambda *x: functools.reduce(torch.minimum, x),
        "Mul": torch.mul,
        "Neg": torch.neg,
        "PRelu": lambda x, slope: torch.where(x < 0, x * slope, x),
        "Pow": lambda x, y: torch.pow(x, y.to(x.dtype)),
        "ReduceMean": mean,
        "Relu": torch.relu,
        "Sigmoid": torch.sigmoid,
        "Softmax": lambda x, axis=-1: torch.softmax(x, axis),
        "Sqrt": torch.sqrt,
        "Sub": torch.sub,
        "Sum": lambda *x: functools.reduce(torch.add, x),
        "Tanh": torch.tanh,
    }


def _shapes() -> dict[str, Operation]:
    import math

    import torch

    def reshape(x: Tensor, shape: Tensor, **how: Any) -> Tensor:
        keep = not how.get("allowzero")
        return x.reshape(
            [x.shape[i] if n == 0 and keep else n for i, n in enumerate(_whole(shape))]
        )

    def sliced(
        x: Tensor,
        starts: Tensor,
        ends: Tensor,
        axes: Tensor | None = None,
        steps: Tensor | None = None,
    ) -> Tensor:
        first, last = _whole(starts), _whole(ends)
        chosen, strides = _whole(axes) or list(range(len(first))), _whole(steps) or [1] * len(first)
        where: list[slice] = [slice(None)] * x.ndim
        for axis, *cut in zip(chosen, first, last, strides, strict=True):
            where[axis] = slice(*cut)
        return x[tuple(where)]

    def unsqueeze(x: Tensor, axes: Tensor) -> Tensor:
        rank = x.ndim + axes.numel()
        for axis in sorted(axis % rank for axis in _whole(axes)):
            x = x.unsqueeze(axis)
        return x

    def squeeze(x: Tensor, axes: Tensor | None = None) -> Tensor:
        return x.squeeze() if axes is None else x.squeeze(tuple(_whole(axes)))

    def gather(x: Tensor, at: Tensor, axis: int = 0) -> Tensor:
        axis %= x.ndim
        at = torch.where(at < 0, at + x.shape[axis], at).to(x.device)
        shape = (*x.shape[:axis], *at.shape, *x.shape[axis + 1 :])
        return x.index_select(axis, at.reshape(-1)).reshape(shape)

    def cast(x: Tensor, to: int, **_: Any) -> Tensor:
        if to not in _TYPES:
            raise ModelError(
                f"the PyTorch engine does not support numbers of kind {to}; use --device cpu"
            )
        return x.to(getattr(torch, _TYPES[to]))

    def shape(x: Tensor, start: int = 0, end: int | None = None) -> Tensor:
        return torch.tensor(x.shape[start:end], dtype=torch.int64)

    return {
        "Cast": cast,
        "Concat": lambda *x, axis: torch.cat(x, axis),
        "Expand": lambda x, shape: x * x.new_ones(_whole(shape)),
        "Flatten": lambda x, axis=1: x.reshape(math.prod(x.shape[:axis]), -1),
        "Gather": gather,
        "Reshape": reshape,
        "Shape": shape,
        "Slice": sliced,
        "Squeeze": squeeze,
        "Transpose": lambda x, perm=None: x.permute(perm or tuple(reversed(range(x.ndim)))),
        "Unsqueeze": unsqueeze,
    }


def _windows() -> dict[str, Operation]:
    from torch.nn import functional as F

    def conv(x: Tensor, weight: Tensor, bias: Tensor | None = None, **how: Any) -> Tensor:
        p = how.get("pads", _ZEROS)
        same = p[:2] == p[2:]
        return F.conv2d(
            x if same else F.pad(x, _pairs(p)),
            weight,
            bias,
            stride=how.get("strides", 1),
            padding=tuple(p[:2]) if same else 0,
            dilation=how.get("dilations", 1),
            groups=how.get("group", 1),
        )

    def conv_transpose(x: Tensor, weight: Tensor, bias: Tensor | None = None, **how: Any) -> Tensor:
        top, left, bottom, right = how.get("pads", _ZEROS)
        whole = F.conv_transpose2d(
            x,
            weight,
            bias,
            stride=how.get("strides", 1),
            output_padding=how.get("output_padding", 0),
            dilation=how.get("dilations", 1),
            groups=how.get("group", 1),
        )
        return whole[:, :, top : whole.shape[2] - bottom, left : whole.shape[3] - right]

    def max_pool(x: Tensor, **how: Any) -> Tensor:
        return F.max_pool2d(
            F.pad(x, _pairs(how.get("pads", _ZEROS)), value=float("-inf")),
            how["kernel_shape"],
            how.get("strides", 1),
            dilation=how.get("dilations", 1),
            ceil_mode=bool(how.get("ceil_mode")),
        )

    def average_pool(x: Tensor, **how: Any) -> Tensor:
        p = how.get("pads", _ZEROS)
        counted = bool(how.get("count_include_pad"))
        if p[:2] != p[2:] and not counted:
            raise ModelError(
                "the PyTorch engine does not support average pooling with uneven padding; "
                "use --device cpu"
            )
        x, p = (F.pad(x, _pairs(p)), _ZEROS) if counted else (x, p)
        return F.avg_pool2d(
            x,
            how["kernel_shape"],
            how.get("strides", 1),
            tuple(p[:2]),
            ceil_mode=bool(how.get("ceil_mode")),
            count_include_pad=counted,
        )

    return {
        "AveragePool": average_pool,
        "Conv": conv,
        "ConvTranspose": conv_transpose,
        "GlobalAveragePool": lambda x: x.mean((2, 3), keepdim=True),
        "MaxPool": max_pool,
    }


def _sizes() -> dict[str, Operation]:
    from torch.nn import functional as F

    def pad(x: Tensor, p: Tensor, value: Tensor | None = None, *_: Any, **how: Any) -> Tensor:
        mode = {b"edge": "replicate", b"reflect": "reflect"}.get(how.get("mode", b""), "constant")
        amounts = _pairs(_whole(p))[:4]
        if mode != "constant":
            return F.pad(x, amounts, mode)
        return F.pad(x, amounts, value=0.0 if value is None else float(value))

    def depth_to_space(x: Tensor, **how: Any) -> Tensor:
        scale = how["blocksize"]
        if how.get("mode") == b"CRD":
            return F.pixel_shuffle(x, scale)
        n, c, h, w = x.shape
        blocks = x.reshape(n, scale, scale, c // scale**2, h, w)
        return blocks.permute(0, 3, 4, 1, 5, 2).reshape(n, -1, h * scale, w * scale)

    def space_to_depth(x: Tensor, blocksize: int) -> Tensor:
        n, c, h, w = x.shape
        blocks = x.reshape(n, c, h // blocksize, blocksize, w // blocksize, blocksize)
        return blocks.permute(0, 3, 5, 1, 2, 4).reshape(n, -1, h // blocksize, w // blocksize)

    def resize(
        x: Tensor,
        _: Tensor | None = None,
        scales: Tensor | None = None,
        sizes: Tensor | None = None,
        **how: Any,
    ) -> Tensor:
        # Passed unchanged: a factor taken from rounded sizes would shift samples.
        to: dict[str, Any] = {"size": _whole(sizes)[2:]}
        factors = [n / m for n, m in zip(to["size"], x.shape[2:], strict=False)]
        if scales is not None and not factors:
            factors = [float(s) for s in scales.reshape(-1)[2:]]
            to = {"scale_factor": factors}
        mode = how.get("mode", b"nearest").decode()
        where = how.get("coordinate_transformation_mode", b"half_pixel").decode()
        centred = where in ("half_pixel", "pytorch_half_pixel")
        if mode == "nearest":
            if where == "asymmetric" and how.get("nearest_mode") == b"floor":
                return F.interpolate(x, mode="nearest", **to)
            # For whole factors, the rounding of halves makes no difference.
            if centred and all(f == int(f) for f in factors):
                return F.interpolate(x, mode="nearest-exact", **to)
        named = {"linear": "bilinear", "cubic": "bicubic"}.get(mode)
        keys = mode != "cubic" or abs(how.get("cubic_coeff_a", -0.75) + 0.75) < 1e-6
        known = keys and (centred or where == "align_corners")
        if named is None or not known or how.get("antialias"):
            raise ModelError(
                f"the PyTorch engine does not support {mode} {where} Resize; use --device cpu"
            )
        return F.interpolate(x, mode=named, align_corners=not centred, **to)

    return {
        "DepthToSpace": depth_to_space,
        "Pad": pad,
        "Resize": resize,
        "SpaceToDepth": space_to_depth,
    }
