"""Many clients at once, and kill -9 at random moments: nothing lost, nothing mixed up.

python benchmarks/serve.py              50 clients with 20 pictures each
python benchmarks/serve.py 10 5         10 clients with 5 each
python benchmarks/serve.py --kill 30    30 times: kill the worker or the server while it works

Everything stays on the loopback interface, and is bounded in count and time.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from _table import print_table
from crispen.media.image import Image, read_image, write_image

TUS = {"Tus-Resumable": "1.0.0"}
SIDE = 64
# Large enough that a kill interrupts work.
KILL_SIDE = 256
MODEL = "espcn"
SECONDS = 900
# Growth allowed for the server itself under load.
MOST_MB = 100


class Server:
    """``crispen serve`` as a separate process."""

    def __init__(self, folder: Path, port: int = 0, *options: str) -> None:
        command = [sys.executable, "-m", "crispen", "serve", "--port", str(port)]
        self.process = subprocess.Popen(
            [*command, "--folder", str(folder), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=folder.parent,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        match = re.search(r"http://[^ ]+:(\d+)", line)
        if match is None:
            raise SystemExit("the server did not start")
        self.url, self.port = match[0], int(match[1])

    def pids(self) -> list[int]:
        """Its process and its descendants."""
        found, look = [], [self.process.pid]
        while look:
            pid = look.pop()
            found.append(pid)
            children = Path(f"/proc/{pid}/task/{pid}/children")
            if children.exists():
                look += [int(p) for p in children.read_text().split()]
        return found

    def memory_mb(self) -> dict[str, float]:
        """Resident megabytes of the server itself, and of all its processes together."""
        sizes = {}
        for pid in self.pids():
            try:
                text = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            match = re.search(r"VmRSS:\s+(\d+)", text)
            sizes[pid] = int(match[1]) / 1024 if match else 0.0
        return {"server": sizes.get(self.process.pid, 0.0), "all": sum(sizes.values())}

    def end(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal and wait."""
        self.process.send_signal(number)
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()


def picture(number: int, side: int = SIDE) -> bytes:
    """A picture in a colour unique to this number."""
    color = np.array([number % 256, number // 256 % 256, 77], np.uint8)
    target = io.BytesIO()
    write_image(Image(np.broadcast_to(color, (side, side, 3)).copy()), target, format="png")
    return target.getvalue()


def number_in(content: bytes) -> int:
    """The number that belongs to this picture."""
    red, green, _ = (int(v) for v in np.median(read_image(content).pixels, axis=(0, 1)))
    return green * 256 + red


@dataclass
class Times:
    """Seconds of each step, over all clients."""

    steps: dict[str, list[float]] = field(default_factory=dict)

    def add(self, step: str, began: float) -> None:
        """Record the duration of a step."""
        self.steps.setdefault(step, []).append(time.perf_counter() - began)


async def upload(api: httpx.AsyncClient, number: int, times: Times) -> str:
    """Upload a picture and create a job for it."""
    content = picture(number)
    began = time.perf_counter()
    begun = await api.post("/uploads/", headers={**TUS, "Upload-Length": str(len(content))})
    begun.raise_for_status()
    where = begun.headers["location"]
    about = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    (await api.patch(where, headers=TUS | about, content=content)).raise_for_status()
    times.add("upload", began)
    began = time.perf_counter()
    wish = {"upload": where, "name": f"{number}.png", "options": {"models": [MODEL]}}
    made = await api.post("/jobs", json=wish)
    made.raise_for_status()
    times.add("make a job", began)
    return str(made.json()["id"])


async def one_client(url: str, first: int, count: int, times: Times) -> int:
    """Everything one client does; returns how many results were right."""
    limits = httpx.Limits(max_connections=2)
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=SECONDS, limits=limits) as api:
        began = time.perf_counter()
        ids = {number: await upload(api, number, times) for number in range(first, first + count)}
        good = 0
        for number, id in ids.items():
            while True:
                asked = time.perf_counter()
                job = (await api.get(f"/jobs/{id}")).json()
                times.add("ask for a job", asked)
                if job["status"] in ("done", "failed"):
                    break
                if time.perf_counter() - began > SECONDS:
                    raise SystemExit("not done in time")
                await asyncio.sleep(1.0)
            fetched = time.perf_counter()
            result = (await api.get(f"/jobs/{id}/result")).content
            times.add("fetch a result", fetched)
            good += job["name"] == f"{number}.png" and number_in(result) == number
        times.add("all of one client", began)
        return good


async def crowd(server: Server, clients: int, count: int) -> tuple[Times, int, dict[str, float]]:
    """All clients at once; returns times, right results, peak memory."""
    times, most = Times(), {"server": 0.0, "all": 0.0}

    async def watch() -> None:
        while True:
            now = await asyncio.to_thread(server.memory_mb)
            for name, size in now.items():
                most[name] = max(most[name], size)
            await asyncio.sleep(0.5)

    watcher = asyncio.create_task(watch())
    work = [one_client(server.url, i * count, count, times) for i in range(clients)]
    good = sum(await asyncio.gather(*work))
    watcher.cancel()
    return times, good, most


def measure(clients: int, count: int) -> None:
    """Prints the table of latencies."""
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name) / "data")
        idle = server.memory_mb()
        began = time.perf_counter()
        try:
            times, good, most = asyncio.run(crowd(server, clients, count))
        finally:
            server.end()
    seconds, total = time.perf_counter() - began, clients * count
    rows = []
    for step, values in times.steps.items():
        cut = statistics.quantiles(values, n=100)
        shown = [statistics.median(values), cut[94], cut[98], max(values)]
        rows.append([step, str(len(values)), *(f"{value * 1000:,.0f}" for value in shown)])
    print_table(
        f"{clients} clients with {count} pictures of {SIDE}x{SIDE} each, x2 with {MODEL}",
        ["step", "times", "median ms", "95 % ms", "99 % ms", "longest ms"],
        rows,
    )
    print(
        f"\n{good} of {total} results right, {total / seconds:.0f} pictures a second; "
        f"server {idle['server']:.0f} MB idle, {most['server']:.0f} MB at most, "
        f"with its workers {most['all']:.0f} MB"
    )
    if good != total:
        raise SystemExit("results were lost or mixed up")
    if most["server"] > idle["server"] + MOST_MB:
        raise SystemExit(f"the server grew by more than {MOST_MB} MB")


class Patient:
    """A client that uploads one picture after another, whatever happens to the server."""

    def __init__(self, url: str) -> None:
        self.ids: dict[int, str] = {}
        self.resumed = 0
        self.failure: Exception | None = None
        self._api = httpx.Client(base_url=f"{url}/api/v1", timeout=60)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def end(self) -> None:
        """Finish the current picture, and stop."""
        self._stop.set()
        self._thread.join()
        self._api.close()
        if self.failure is not None:
            raise SystemExit(f"the client was let down: {self.failure}")

    def wait_for(self, count: int) -> None:
        """Wait until this many jobs exist: a server always killed at once would do none."""
        while len(self.ids) < count and self._thread.is_alive():
            time.sleep(0.02)

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                number = len(self.ids)
                self.ids[number] = self._send(number)
        except Exception as error:  # a thread ends silently; `end` reports it
            self.failure = error

    def _send(self, number: int) -> str:
        content = picture(number, KILL_SIDE)
        begin = {**TUS, "Upload-Length": str(len(content))}
        where = self._asked("POST", "/uploads/", headers=begin).headers["location"]
        offset, cut = 0, len(content) // 2
        while offset < len(content):
            about = {
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
            }
            part = content[offset : cut if offset < cut else None]
            try:
                sent = self._api.patch(where, headers=TUS | about, content=part)
                offset = int(sent.raise_for_status().headers["upload-offset"])
            except httpx.HTTPError:
                self.resumed += 1
                kept = self._asked("HEAD", where, headers=TUS)
                offset = int(kept.headers["upload-offset"])
        wish = {"upload": where, "name": f"{number}.png", "options": {"models": [MODEL]}}
        return str(self._asked("POST", "/jobs", json=wish).json()["id"])

    def _asked(self, method: str, where: str, **more: Any) -> httpx.Response:
        """The answer, once a server is back; only for requests that may be repeated."""
        end = time.monotonic() + SECONDS
        while True:
            try:
                answer = self._api.request(method, where, **more)
                if answer.is_error:
                    raise RuntimeError(f"{method} {where}: {answer.text}")
                return answer
            except httpx.TransportError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)


def kill(rounds: int, seed: int) -> None:
    """Kills at random moments, and counts what exists in the end."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        server = Server(folder, port)
        client = Patient(server.url)
        kept: dict[int, bytes] = {}
        killed, amid = {"worker": 0, "server": 0}, 0
        for _ in range(rounds):
            with httpx.Client(base_url=f"{server.url}/api/v1", timeout=60) as api:
                client.wait_for(len(client.ids) + 2)
                time.sleep(chance.uniform(0.0, 1.0))
                kept |= _finished(api, dict(client.ids), kept)
                busy = api.get("/jobs?limit=5000&status=queued&status=running").json()["jobs"]
            amid += bool(busy)
            below = [pid for pid in server.pids()[1:] if _is_worker(pid)]
            if chance.random() < 0.5 and below:
                killed["worker"] += 1
                os.kill(chance.choice(below), signal.SIGKILL)
            else:
                killed["server"] += 1
                server.end(signal.SIGKILL)
                server = Server(folder, port)
        client.end()
        ids = client.ids
        with httpx.Client(base_url=f"{server.url}/api/v1", timeout=60) as api:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                jobs = {j["id"]: j for j in api.get("/jobs?limit=5000").json()["jobs"]}
                if all(j["status"] in ("done", "failed") for j in jobs.values()):
                    break
                time.sleep(0.5)
            lost = [n for n, id in ids.items() if id not in jobs]
            failed = [n for n, id in ids.items() if id in jobs and jobs[id]["status"] == "failed"]
            done = [n for n in ids if n not in lost and n not in failed]
            wrong = [n for n in done if number_in(_result(api, ids[n])) != n]
            changed = [n for n, content in kept.items() if _result(api, ids[n]) != content]
        server.end()
    print_table(
        f"kill -9, {killed['worker']} times a worker, {killed['server']} times the server; "
        f"{amid} times amid work, {client.resumed} times amid an upload",
        ["jobs", "done", "failed", "lost", "wrong", "finished results that changed"],
        [[str(len(v)) for v in (ids, done, failed, lost, wrong, changed)]],
    )
    if not ids:
        raise SystemExit("nothing was done at all")
    if lost or failed or wrong or changed or len(jobs) != len(ids):
        raise SystemExit("something was lost, or is there twice")


def _finished(api: httpx.Client, ids: dict[int, str], known: Any) -> dict[int, bytes]:
    done = {j["id"] for j in api.get("/jobs?limit=5000&status=done").json()["jobs"]}
    return {n: _result(api, id) for n, id in ids.items() if id in done and n not in known}


def _result(api: httpx.Client, id: str) -> bytes:
    return api.get(f"/jobs/{id}/result").raise_for_status().content


def _is_worker(pid: int) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def main() -> None:
    """Parses the arguments and runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clients", nargs="?", type=int, default=50)
    parser.add_argument("pictures", nargs="?", type=int, default=20)
    parser.add_argument("--kill", type=int, metavar="ROUNDS")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.kill is not None:
        kill(min(given.kill, 200), given.seed)
    else:
        measure(min(given.clients, 200), min(given.pictures, 200))


if __name__ == "__main__":
    main()
