"""What a worker of a cluster reports first: where it is, and whether it can work."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import crispen


@dataclass(frozen=True, slots=True)
class Hello:
    """A worker's first report.

    Attributes:
        node: Ray's number of its machine.
        name: Its name for people.
        refusal: Why it cannot work, if it cannot.
    """

    node: str
    name: str
    refusal: str = ""


def hello(refusal: str = "") -> Hello:
    """The report of the actor that calls this.

    Args:
        refusal: Why it cannot work, if it cannot.
    """
    import ray

    node = ray.get_runtime_context().get_node_id()
    return Hello(node, f"{socket.gethostname()}/{node[:6]}", refusal)


def other_version(version: str) -> str:
    """Why this machine cannot work for a program of another version; empty if it is the same.

    Args:
        version: Of the program that sends work.

    >>> other_version("0.0.1").endswith("instead of 0.0.1; install the same")
    True
    """
    if version == crispen.__version__:
        return ""
    return f"has Crispen {crispen.__version__}, instead of {version}; install the same"
