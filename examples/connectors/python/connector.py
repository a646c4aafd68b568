"""What every connector has in common: the shapes of a call, its errors, and the sign of life. Nothing here knows of VAT."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError


@dataclass
class Context:
    """On whose behalf a connector is called."""

    processInstanceId: str = ""
    processDefinitionKey: str = ""
    processDefinitionVersion: int = 0
    businessKey: str = ""
    elementId: str = ""
    elementName: str = ""


@dataclass
class Call:
    """The input of every connector activity."""

    idempotencyKey: str  # the same over all attempts of a call, different for every other call
    implementation: str  # vat.CHECK
    inputs: dict[str, Any] | None = None  # None: nothing is mapped
    context: Context = field(default_factory=Context)


def bpmn_error(code: str, message: str) -> ApplicationError:
    """A named error that the process may catch at a boundary event. It is not retried."""
    return ApplicationError(message, type=f"bpmn:{code}", non_retryable=True)


def permanent_error(code: str, message: str) -> ApplicationError:
    """An error that no retry mends and no process should catch: an incident, which somebody looks at."""
    return ApplicationError(message, type=code, non_retryable=True)


def retryable_error(code: str, message: str, after: float | None = None) -> ApplicationError:
    """An error that is worth another attempt, not before some seconds. Any other exception is taken for one, too."""
    delay = None if after is None else timedelta(seconds=after)
    return ApplicationError(message, type=code, next_retry_delay=delay)


def action(name: str, run: Callable[[Call], Awaitable[dict[str, Any]]]) -> Callable[[Call], Awaitable[dict[str, Any]]]:
    """Makes an activity of a function that returns outputs.

    While it runs, Waybill is told every five seconds that it does: calls of a worker that says nothing for fifteen are given to
    another one. The function is cancelled when the process no longer wants the call.
    """

    @activity.defn(name=name)
    async def call_action(call: Call) -> dict[str, Any]:
        async def beat() -> None:
            while True:
                await asyncio.sleep(5)
                activity.heartbeat()

        beating = asyncio.create_task(beat())
        try:
            return {"outputs": await run(call)}
        finally:
            beating.cancel()

    return call_action
