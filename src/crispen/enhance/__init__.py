"""The main job: pictures and videos, larger and better.

The package can be called: ``crispen.enhance(picture, scale=2)`` is `crispen.enhance.api.enhance`.
"""

from crispen._callable import make_callable
from crispen.enhance.api import enhance as _enhance

make_callable(__name__, _enhance)
