"""What workers have of a cluster's machines."""

from __future__ import annotations

from typing import Any

from crispen.cluster.share import Share, share_of


def node(cpus: float, gpus: float = 0, *, alive: bool = True) -> dict[str, Any]:
    return {"Alive": alive, "Resources": {"CPU": cpus} | ({"GPU": gpus} if gpus else {})}


def test_room_counts_whole_workers_on_each_machine_that_is_alive() -> None:
    nodes = [node(7), node(3), node(8, alive=False), {"Alive": True, "Resources": {}}]
    assert Share(2, 1).room(nodes) == 3 + 1
    assert Share(1, 1, gpus=1).room([node(8, 2), node(8), node(1, 4)]) == 2 + 0 + 1
    assert Share(1, 1, gpus=0.5).room([node(8, 2)]) == 4


def test_only_networks_on_a_gpu_take_one() -> None:
    assert share_of("cpu", None, 5) == Share(1, 5, 0)
    assert share_of("cuda:0", 4, 5) == Share(4, 5, 1)
    assert share_of("cpu", 3, 5).options["num_cpus"] == 3
