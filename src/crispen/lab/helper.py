"""``python -m crispen.lab.helper``: a process of rank 1 or higher in a distributed training.

Started by `crispen.lab.processes.helpers`; it trains the same recipe as rank 0 and writes no files.
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
    """Trains the recipe in the first argument, a JSON object."""
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
