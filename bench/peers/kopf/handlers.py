"""The benchmark's work done by kopf, set up as its documentation advises.

kopf itself adds the finalizer before the first handler runs and removes it after the last one, because there is a handler of deletions.
"""

import datetime
import os
from typing import Any

import aiohttp
import kopf

WORKERS = int(os.environ["BENCH_WORKERS"])
EXTERNAL_URL = os.environ["BENCH_EXTERNAL_URL"]
WIDGETS = ("bench.customdomains.dev", "v1", "widgets")


@kopf.on.startup()
async def configure(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: Any) -> None:
    settings.queueing.worker_limit = WORKERS
    # A worker that waits for more events of its object holds one of the places: the five seconds that are the default of both would
    # leave 13 objects a second. Only kopf writes to the objects here, so that no event which comes later can make it call twice.
    settings.queueing.idle_timeout = 0.02
    settings.persistence.consistency_timeout = 0.02
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.persistence.finalizer = "bench.customdomains.dev/finalizer"
    # In the status, so that one write holds the conditions and what kopf has to remember.
    settings.persistence.progress_storage = kopf.StatusProgressStorage()
    settings.persistence.diffbase_storage = kopf.StatusDiffBaseStorage()
    memo.http = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=WORKERS),
        timeout=aiohttp.ClientTimeout(total=10),
    )


@kopf.on.cleanup()
async def close(memo: kopf.Memo, **_: Any) -> None:
    await memo.http.close()


@kopf.on.resume(*WIDGETS)
@kopf.on.create(*WIDGETS)
@kopf.on.update(*WIDGETS)
async def converge(
    name: str, namespace: str, meta: kopf.Meta, status: kopf.Status, patch: kopf.Patch, memo: kopf.Memo, **_: Any
) -> None:
    generation = meta["generation"]
    if converged(status, generation):
        return
    async with memo.http.get(f"{EXTERNAL_URL}/{namespace}/{name}") as response:
        response.raise_for_status()
        await response.read()
    patch.status["observedGeneration"] = generation
    patch.status["conditions"] = [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Converged",
            "message": "the external call succeeded",
            "observedGeneration": generation,
            "lastTransitionTime": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    ]


@kopf.on.delete(*WIDGETS)
async def forget(**_: Any) -> None:
    pass


def converged(status: kopf.Status, generation: int) -> bool:
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))
    return ready and status.get("observedGeneration") == generation
