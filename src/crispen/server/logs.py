"""Log lines with the request's id: as text for people, or one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Literal

_FIELDS = ("request_id", "method", "path", "status", "bytes", "seconds", "peer")


class JsonLines(logging.Formatter):
    """One JSON object a line; `python-json-logger` would need the same list of names."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        line: dict[str, object] = {
            "time": _clock(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class TextLines(logging.Formatter):
    """A line for a terminal; input from a client cannot start a second line."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        message = record.getMessage().encode("unicode_escape").decode("ascii")
        id = getattr(record, "request_id", "")
        took = f" {record.seconds:.3f} s" if hasattr(record, "seconds") else ""
        peer = getattr(record, "peer", None)
        text = f"{_clock(record)[11:19]} {record.levelname.lower():<7} {message}{took}"
        if peer:
            text += f" {peer}"
        if id:
            text += f" [{id}]"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text


def _clock(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))


def set_up(format: Literal["json", "text"], *, level: int = logging.INFO) -> None:
    """Let the server's loggers write to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if format == "json" else TextLines())
    for name in ("crispen.server", "crispen.jobs", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(level if name.startswith("crispen") else logging.WARNING)
