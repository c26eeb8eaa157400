"""The main job: pictures and videos, larger and better.

To users the name means the function: ``crispen.enhance(picture, scale=2)``.
"""

from crispen._rooms import share_name
from crispen.enhance.api import enhance as _enhance

share_name(__name__, _enhance)
