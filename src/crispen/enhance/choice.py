"""Which networks bring a picture or a clip to a size, by how bad it is."""

from __future__ import annotations

from typing import NamedTuple

from crispen.enhance.chain import SLACK, Lineup
from crispen.enhance.request import Request
from crispen.look.looking import faults_of
from crispen.models.athand import AtHand
from crispen.models.dials import Dials, VividDials, noise_of

# The networks that repair, by how much is enlarged. At the size that a picture has, its repaired
# double is shrunk again.
REPAIR = {1: "real-x2", 2: "real-x2", 4: "real-x4"}
# Those that invent detail.
VIVID = {2: "vivid-x2", 4: "vivid-x4"}
# What compressed clips are enlarged by, where it reaches; and from how much compression on it does
# better than the network for clean ones: about crf 23 of x264, measured by benchmarks/clips.py.
CLIPS = {2: "video-x2"}
CODED = 0.33
# What enlarges as fast as a clip plays.
REALTIME = "photo-live"
# Up to this much damage the network for clean pictures does better: dials as in
# `crispen.models.dials`, measured by benchmarks/crossover.py and benchmarks/default.py.
HARMLESS = Dials(noise=0.24, compression=0.15, blur=0.3)
# Of the dials that were measured; see `careful`.
CAREFUL_NOISE, CAREFUL_COMPRESSION = 0.7, 0.8


class Choice(NamedTuple):
    """The networks for one picture or clip.

    Attributes:
        lineup: What they come from.
        models: Their names, in order.
        dials: The dials of those that take them.
        notes: What a person should know.
        steady: See `Plan`.
    """

    lineup: Lineup
    models: tuple[str, ...]
    dials: Dials
    notes: tuple[str, ...]
    steady: float = 0.0


def choose(
    request: Request, lineup: Lineup, at_hand: AtHand, factor: float, damage: Dials
) -> Choice:
    """The networks that bring a picture to `factor` times its size.

    Where nothing but a size was asked for, a damaged picture is repaired as it is enlarged. Where
    it was said how much to repair, it is repaired in any case.

    Args:
        request: What is wanted.
        lineup: Of the request.
        at_hand: The models that can be named.
        factor: How many times as long its sides become.
        damage: How bad the picture is, as far as that is known.
    """
    notes: tuple[str, ...] = ()
    dials = Dials()
    asked = request.repairs or bool(request.vivid)
    if may_repair(request, factor, at_hand) and (asked or is_damaged(damage)):
        seen = dials_for(request, damage)
        dials = careful(request, seen)
        networks = VIVID if request.vivid else REPAIR
        scale = next((s for s in networks if factor <= s * SLACK), max(networks))
        lineup = Lineup([networks[scale]], at_hand=at_hand)
        faults = faults_of(seen)
        soft = (damage.blur or 0.0) > (HARMLESS.blur or 0.0) and not seen.blur
        if soft:
            faults += faults_of(Dials(blur=damage.blur))
        why = ", ".join(faults) or "nearly clean"
        hint = "" if asked else "; --as-is only enlarges"
        if soft:
            hint += f", --deblur {damage.blur:.1f} sharpens"
        if request.vivid:
            dials = VividDials(*dials.values, vivid=request.vivid)
            hint = f", {request.vivid:g} vivid: its detail is a guess"
        notes = (f"{why}: {networks[scale]}{hint}",)
    models = tuple(at_hand.name_of(model) for model in lineup.chain(factor))
    return Choice(lineup, models, dials.rounded(), notes)


def choose_for_clip(
    request: Request, lineup: Lineup, at_hand: AtHand, factor: float, damage: Dials
) -> Choice:
    """The networks that bring a video to `factor` times its size.

    Where nothing but a size was asked for, a compressed clip is enlarged by a network that knows
    what codecs do, and is told how much they did to this one (benchmarks/clips.py).

    Args:
        request: What is wanted.
        lineup: Of the request.
        at_hand: The models that can be named.
        factor: How many times as long its sides become.
        damage: How bad its frames are, as far as that is known.
    """
    notes: tuple[str, ...] = ()
    dials, steady = Dials(), 0.0
    if damage.noise and noise_matters(request):
        steady = round(noise_of(damage.noise), 2)
        notes = (f"noise {steady:.1f}: five frames are averaged where nothing moves",)
    if clip_matters(request) and (steady or (damage.compression or 0.0) > CODED):
        for scale, name in CLIPS.items():
            if SLACK < factor <= scale * SLACK and name in at_hand:
                lineup = Lineup([name], at_hand=at_hand)
                # Averaged, nobody knows how much noise is left.
                noise = None if steady else damage.noise
                dials = careful(request, Dials(noise, damage.compression, 0.0))
                why = "noisy" if steady else "compressed"
                notes += (f"{why}: {name}; --task upscale only enlarges",)
    models = tuple(at_hand.name_of(model) for model in lineup.chain(factor))
    return Choice(lineup, models, dials.rounded(), notes, steady)


def clip_matters(request: Request) -> bool:
    """Whether it matters how compressed a clip is."""
    return not (request.tasks or request.models or request.realtime)


def noise_matters(request: Request) -> bool:
    """Whether a clip's noise is to be taken off over time."""
    return clip_matters(request) or "denoise" in (request.tasks or ())


def dials_for(request: Request, damage: Dials) -> Dials:
    """The dials for networks that take them: what the request says, and else what was seen.

    Blur is undone only where it was asked for, or where the picture is to be vivid: whether a soft
    picture was meant to be soft cannot be seen in it, and sharpening one that was costs up to 7 dB,
    where sharpening one that was not gains 1 dB (benchmarks/default.py).
    """
    asked = Dials(noise=request.denoise, compression=request.dejpeg, blur=request.deblur)
    pairs = zip(asked.values, damage.values, strict=True)
    noise, compression, blur = (found if mine is None else mine for mine, found in pairs)
    if request.deblur is None and not request.vivid:
        blur = 0.0
    return Dials(noise, compression, blur)


def careful(request: Request, seen: Dials) -> Dials:
    """Dials a little below the measured ones, which tend to be too high.

    Texture is measured as noise, and many compressed pictures were soft to begin with. The lower
    dials gain 0.09 dB, and half as many pictures are worse than bicubic (benchmarks/default.py).
    """
    noise, compression, blur = seen.values
    if request.denoise is None and noise is not None:
        noise *= CAREFUL_NOISE
    if request.dejpeg is None and compression is not None:
        compression *= CAREFUL_COMPRESSION
    return Dials(noise, compression, blur)


def is_damaged(damage: Dials) -> bool:
    """Whether the network for real pictures does better than that for clean ones."""
    pairs = zip(damage.values, HARMLESS.values, strict=True)
    return any((found or 0.0) > (limit or 0.0) for found, limit in pairs)


def may_repair(request: Request, factor: float, at_hand: AtHand) -> bool:
    """Whether it matters how bad the picture is."""
    asked = request.tasks or request.models or request.as_is
    needed = (*REPAIR.values(), *(VIVID.values() if request.vivid else ()))
    return not asked and factor >= 1 / SLACK and all(name in at_hand for name in needed)
