"""``python -m crispen.lab.helper``: one of several processes that train together.

Started by `crispen.lab.processes.helpers`; it trains what rank 0 trains and writes nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from crispen.errors import Cancelled
from crispen.lab.processes import end_with_parent
from crispen.lab.recipe import read_recipe
from crispen.lab.training import Trainer


def main() -> None:
    """Trains the recipe in the first argument."""
    end_with_parent()
    given = json.loads(sys.argv[1])
    trainer = Trainer(
        read_recipe(given["recipe"], "recipe"),
        Path(given["folder"]),
        device=given["device"],
        compile_network=given["compile_network"],
    )
    try:
        trainer.fit()
    except Cancelled:
        return


if __name__ == "__main__":
    main()
