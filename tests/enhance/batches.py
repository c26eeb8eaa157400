"""What tests of batches share."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image as PilImage

from crispen.cli.main import main
from crispen.enhance.batch import Options
from crispen.enhance.request import Request

FAST = Options(Request(models=("photo-fast",)), threads=1)


def asking(options, **wanted):
    """The same with other wishes."""
    return replace(options, request=options.request.model_copy(update=wanted))


def crispen(*arguments):
    """The command's exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["enhance", "--model", "photo-fast", "--threads", "1", *map(str, arguments)])
    return ended.value.code


def size(path):
    with PilImage.open(path) as picture:
        return picture.size


def statuses(outcomes):
    return {outcome.source: outcome.status for outcome in outcomes}
