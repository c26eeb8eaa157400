"""Dependencies of routes: each route names the services that it uses, and gets no others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from crispen.server.services.assembly import Services
from crispen.server.services.choices import Choices
from crispen.server.services.data_folder import DataFolder
from crispen.server.services.database_threads import DatabaseThreads
from crispen.server.services.events import JobEvents
from crispen.server.services.files import JobFiles
from crispen.server.services.health import HealthCheck
from crispen.server.services.immediate import Immediate
from crispen.server.services.inspection import Inspection
from crispen.server.services.job_creation import JobCreation
from crispen.server.services.jobs import Jobs
from crispen.server.services.models import Models
from crispen.server.services.planning import Planning
from crispen.server.services.prometheus_metrics import ServerMetrics
from crispen.server.services.runs import TrainingRuns
from crispen.server.settings import Settings

T = TypeVar("T")


def _service(pick: Callable[[Services], T]) -> Callable[[Request], Awaitable[T]]:
    async def get(request: Request) -> T:
        return pick(request.app.state.services)

    return get


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


ChoicesOf = Annotated[Choices, Depends(_service(lambda services: services.choices))]
CreationOf = Annotated[JobCreation, Depends(_service(lambda services: services.creation))]
DatabaseOf = Annotated[DatabaseThreads, Depends(_service(lambda services: services.database))]
EventsOf = Annotated[JobEvents, Depends(_service(lambda services: services.events))]
FilesOf = Annotated[JobFiles, Depends(_service(lambda services: services.files))]
FolderOf = Annotated[DataFolder, Depends(_service(lambda services: services.folder))]
HealthOf = Annotated[HealthCheck, Depends(_service(lambda services: services.health))]
ImmediateOf = Annotated[Immediate, Depends(_service(lambda services: services.immediate))]
InspectionOf = Annotated[Inspection, Depends(_service(lambda services: services.inspection))]
JobsOf = Annotated[Jobs, Depends(_service(lambda services: services.jobs))]
MetricsOf = Annotated[ServerMetrics, Depends(_service(lambda services: services.metrics))]
ModelsOf = Annotated[Models, Depends(_service(lambda services: services.models))]
PlanningOf = Annotated[Planning, Depends(_service(lambda services: services.planning))]
RunsOf = Annotated[TrainingRuns, Depends(_service(lambda services: services.runs))]
SettingsOf = Annotated[Settings, Depends(_settings)]
