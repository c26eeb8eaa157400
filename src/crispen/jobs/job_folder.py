"""The folder of one job: its source, its result, and intermediate files."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from crispen.enhance.plan import result_format
from crispen.jobs.file_kinds import suffix_and_type
from crispen.jobs.job import Job

SOURCE = "source"


def result_path(folder: Path, job: Job) -> Path:
    """Where a job's result is, or will be."""
    format = result_format(job.options, job.source)
    return folder / f"result{suffix_and_type(format)[0]}"


def clean(folder: Path) -> None:
    """Remove everything but the source from a job's folder."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != SOURCE:
                path.unlink(missing_ok=True)
