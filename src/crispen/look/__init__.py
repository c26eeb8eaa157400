"""Measures damage in a picture: compression, noise, blur, exposure; see `crispen.look.looking`."""

from __future__ import annotations

from crispen.look.looking import Look, look

__all__ = ["Look", "look"]
