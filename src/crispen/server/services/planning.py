"""Says what would be done for a request, in a helper process, since only those load FFmpeg."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from crispen.enhance.plan import Plan
from crispen.enhance.request import Request
from crispen.jobs.job_facts import Source
from crispen.jobs.job_plans import Glimpse, check_job, foresee, plan_job
from crispen.server.schemas import Answer, FilePlan, Question
from crispen.server.services.helper_processes import HelperProcesses
from crispen.server.services.models import Models


class Planning:
    """Plans jobs with the models that a client may use.

    Args:
        helpers: Do the planning.
        models: Those of the server.
        max_result_pixels: Largest result.
    """

    def __init__(self, helpers: HelperProcesses, models: Models, max_result_pixels: int) -> None:
        self._helpers = helpers
        self._models = models
        self._max_result_pixels = max_result_pixels

    async def plan(self, client: str, options: Request, source: Source) -> Plan:
        """What would be done to a file.

        Raises:
            CrispenError: The result would be too large, or the options do not suit the file.
        """
        models = await asyncio.to_thread(self._models.usable, client)
        most = self._max_result_pixels
        return await self._helpers.quick(plan_job, options, source, models, max_pixels=most)

    async def answer(self, client: str, question: Question) -> Answer:
        """What would be done to files of a kind, or to files of which only their size is known.

        Raises:
            CrispenError: The options contradict each other or do not suit such files.
        """
        models = await asyncio.to_thread(self._models.usable, client)
        names = await self._helpers.quick(check_job, question.options, question.kind, models)
        if not question.files:
            return Answer(models=names)
        format = "png" if question.kind == "image" else "mp4"
        sources = [
            Glimpse(kind=question.kind, format=format, **facts.model_dump())
            for facts in question.files
        ]
        most = self._max_result_pixels
        plans = await self._helpers.quick(foresee, question.options, sources, models, most)
        return Answer(models=names, files=[FilePlan.model_validate(asdict(plan)) for plan in plans])
