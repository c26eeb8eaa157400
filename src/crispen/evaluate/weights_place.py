"""Where the weights of metrics are that are not part of Crispen."""

from __future__ import annotations

import os
from pathlib import Path

from crispen.user_folders import data_folder


def weights_place(variable: str, *usual: str) -> Path:
    """The file or folder that an environment variable names, or else one of the user's data folder.

    Args:
        variable: Name of the variable; an empty one counts as unset.
        usual: Parts of the path inside the data folder.
    """
    chosen = os.environ.get(variable)
    if chosen:
        return Path(chosen).expanduser()

    return data_folder(*usual)
