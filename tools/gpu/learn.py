"""One training stage: a network, its data, and a time limit in seconds.

A step (crops, network, loss, gradients, Adam, average) is captured as one CUDA graph, since a small
network's kernels take less time than launching them one by one. Learning rates follow the clock:
the number of steps is not known in advance.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from crispen.lab.losses.adversarial import adversarial_loss
from crispen.lab.networks import Network

Draw = Callable[[], tuple[Tensor, Tensor, Tensor]]
Compare = Callable[[Tensor, Tensor], Tensor]
_TURN = 20
_MEMORY = 0.999
# The loss of an untrained discriminator.
_CHANCE = 2 * math.log(2)


class Average:
    """The exponential average of weights, with a short memory at first."""

    def __init__(self, network: nn.Module) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self._mine = list(self.network.parameters())
        self._theirs = list(network.parameters())
        self.share = torch.ones((), device=self._theirs[0].device)

    @torch.no_grad()
    def update(self) -> None:
        """Blends in a share of the current weights."""
        differences = torch._foreach_sub(self._theirs, self._mine)
        torch._foreach_mul_(differences, self.share)
        torch._foreach_add_(self._mine, differences)

    def at(self, step: int) -> None:
        """Sets the share from this step on."""
        self.share.fill_(1 - min(_MEMORY, step / (step + 10)))


def factor(done: float, decay: float) -> float:
    """Factor of the rate after a share `done` of the time: up, level, down along a cosine."""
    if done < 0.02:
        return max(0.02, done / 0.02)
    if done < 1 - decay:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (done - 1 + decay) / decay)))


def adam(weights: list[nn.Parameter], rate: float, beta: float) -> torch.optim.Adam:
    """An optimiser whose steps can be captured; its rate is then on the GPU, too."""
    device = weights[0].device
    on_gpu = device.type == "cuda"
    return torch.optim.Adam(
        weights,
        lr=torch.tensor(rate, device=device) if on_gpu else rate,  # type: ignore[arg-type]
        betas=(beta, 0.99),
        fused=True,
        capturable=on_gpu,
    )


def set_rate(optimizer: torch.optim.Adam, rate: float) -> None:
    """Sets the rate from the next step on, including captured steps."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def learn(
    network: nn.Module,
    forward: Callable[[], Tensor],
    seconds: float,
    *,
    rate: float,
    decay: float,
    name: str,
    refresh: Callable[[], object] = lambda: None,
) -> tuple[nn.Module, int]:
    """Minimises.

    Args:
        network: In training mode, on its device.
        forward: Draws a batch and returns the loss.
        seconds: Duration.
        rate: Adam's peak learning rate.
        decay: The final share of the time, in which the rate falls.
        name: Name for the log.
        refresh: Called every other second, for example to load new tiles.

    Returns:
        The average, and the number of steps.
    """
    device = next(network.parameters()).device
    average = Average(network)
    weights = list(network.parameters())
    on_gpu = device.type == "cuda"
    optimizer = adam(weights, rate, 0.9)
    loss = torch.zeros((), device=device)

    def step() -> None:
        value = forward()
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        average.update()
        loss.lerp_(value.detach(), 0.01)

    def turn(done: float, steps: int) -> None:
        set_rate(optimizer, rate * factor(done, decay))
        average.at(steps)

    began = said = read = time.monotonic()
    turn(0.0, 0)
    run = captured(step, weights) if on_gpu else plain(step, weights)
    steps = 3 if on_gpu else 0
    ready = time.monotonic() - began
    while (now := time.monotonic()) - began < seconds:
        turn((now - began) / seconds, steps)
        for _ in range(_TURN if on_gpu else 1):
            run()
            steps += 1
        if on_gpu:
            torch.cuda.synchronize()
        if now - said > 10:
            said = now
            pace = steps / (now - began - ready + 1e-9)
            print(f"{name}: {steps} steps, {pace:.1f}/s, loss {float(loss):.5f}", flush=True)
        if now - read > 2:
            read = now
            refresh()
    print(f"{name}: {steps} steps in {now - began:.0f} s, loss {float(loss):.5f}", flush=True)
    return average.network, steps


def plain(step: Callable[[], None], weights: list[nn.Parameter]) -> Callable[[], None]:
    """Step by step."""

    def run() -> None:
        for weight in weights:
            weight.grad = None
        step()

    return run


def captured(step: Callable[[], None], weights: list[nn.Parameter]) -> Callable[[], None]:
    """The step as a CUDA graph; the plain step if that fails."""
    single = plain(step, weights)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            single()
    torch.cuda.current_stream().wait_stream(side)
    torch.cuda.synchronize()
    for weight in weights:
        weight.grad = None
    try:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
    except Exception as error:
        print(f"not captured: {type(error).__name__}: {error}", flush=True)
        torch.cuda.synchronize()
        return single
    return graph.replay


def supervised(network: Network, draw: Draw, compare: Compare) -> Callable[[], Tensor]:
    """A batch through the network, compared with its targets."""

    def forward() -> Tensor:
        x, target, told = draw()
        with torch.autocast(x.device.type, torch.bfloat16):
            image = network.outputs(x, told if network.has_dials else None).image
        return compare(image.float(), target)

    return forward


def fight(
    network: Network,
    opponent: nn.Module,
    draw: Draw,
    compare: Compare,
    seconds: float,
    *,
    rate: float,
    weight: float,
    name: str,
) -> tuple[nn.Module, int]:
    """Trains against a discriminator, whose gradient is `weight` times the comparison's.

    Both gradients are taken at the picture, where weighing them is cheap, and go through the
    network together. While a discriminator cannot tell pictures apart, its gradient, scaled up,
    would be noise, and noise kills ReLUs. So it learns alone for a tenth of the time, and its
    weight grows with its advantage over chance.
    """
    game = Game(network, opponent, draw, compare, rate, weight)
    began = said = time.monotonic()
    alone = captured(game.judge, game.all_weights) if game.on_gpu else game.judge
    both = captured(game.play, game.all_weights) if game.on_gpu else game.play
    began, ready = time.monotonic(), time.monotonic() - began
    steps = 0
    while (now := time.monotonic()) - began < seconds - ready:
        done = (now - began) / seconds
        set_rate(game.mine, rate * factor(done, 0.6))
        game.average.at(steps)
        for _ in range(5 if game.on_gpu else 1):
            (alone if done < 0.1 else both)()
            steps += 1
        if game.on_gpu:
            torch.cuda.synchronize()
        if now - said > 10:
            said = now
            print(f"{name}: {steps} steps, {steps / (now - began):.1f}/s, {game}", flush=True)
    print(f"{name}: {steps} steps in {now - began:.0f} s, {game}", flush=True)
    for mine, theirs in zip(game.average.network.buffers(), network.buffers(), strict=True):
        mine.copy_(theirs)
    return game.average.network, steps


class Game:
    """A network and a discriminator; see `fight`."""

    def __init__(
        self,
        network: Network,
        opponent: nn.Module,
        draw: Draw,
        compare: Compare,
        rate: float,
        weight: float,
    ) -> None:
        self.network, self.opponent = network, opponent
        self.draw, self.compare, self.weight = draw, compare, weight
        self.average = Average(network)
        self.weights = [p for p in network.parameters() if p.requires_grad]
        theirs = list(opponent.parameters())
        self.all_weights = [*self.weights, *theirs]
        device = self.weights[0].device
        self.on_gpu = device.type == "cuda"
        self.mine, self.theirs = adam(self.weights, rate, 0.9), adam(theirs, 1e-4, 0.5)
        self.game = adversarial_loss("vanilla")
        # The discriminator's loss, smoothed.
        self.chance = torch.full((), _CHANCE, device=device)
        self.distance = torch.zeros((), device=device)

    def __str__(self) -> str:
        return f"distance {float(self.distance):.5f}, discriminator {float(self.chance):.4f}"

    def answer(self) -> tuple[Tensor, Tensor]:
        """A batch through the network, and the truth."""
        x, target, told = self.draw()
        with torch.autocast(x.device.type, torch.bfloat16):
            out = self.network.outputs(x, told if self.network.has_dials else None).image
        return out.float(), target

    def judge(self) -> None:
        """A step of the discriminator alone."""
        with torch.no_grad():
            out, target = self.answer()
        self.learn_to_judge(out, target)

    def play(self) -> None:
        """A step of both networks."""
        out, target = self.answer()
        seen = out.detach().requires_grad_()
        distance = self.compare(seen, target)
        with torch.autocast(seen.device.type, torch.bfloat16):
            score = self.opponent(seen.clamp(0, 1)).float()
        adversarial = self.game.generator(score, score)
        (near,) = torch.autograd.grad(distance, seen)
        (real,) = torch.autograd.grad(adversarial, seen)
        sure = ((_CHANCE - self.chance) / _CHANCE * 2).clamp(0, 1)
        strength = self.weight * sure * near.norm() / (real.norm() + 1e-12)
        grads = torch.autograd.grad(out, self.weights, near + strength * real)
        for weight, grad in zip(self.weights, grads, strict=True):
            weight.grad = grad
        nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.mine.step()
        self.average.update()
        self.distance.copy_(distance.detach())
        self.learn_to_judge(out.detach(), target)

    def learn_to_judge(self, made: Tensor, target: Tensor) -> None:
        """A step of the discriminator."""
        parameters = list(self.opponent.parameters())
        with torch.autocast(made.device.type, torch.bfloat16):
            good = self.opponent(target).float()
            bad = self.opponent(made.clamp(0, 1)).float()
        judged = self.game.discriminator(good, bad)
        for parameter, grad in zip(
            parameters, torch.autograd.grad(judged, parameters), strict=True
        ):
            parameter.grad = grad
        self.theirs.step()
        self.chance.lerp_(judged.detach(), 0.02)
