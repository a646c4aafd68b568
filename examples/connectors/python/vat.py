"""The connector vat in Python: the action CHECK. Start it with python vat.py."""

import asyncio
import json
import os
import re
import signal
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.worker import Worker

from connector import Call, action, bpmn_error, permanent_error, retryable_error

URL = os.environ.get("VAT_URL") or "https://ec.europa.eu/taxation_customs/vies/rest-api"


async def check(call: Call) -> dict[str, Any]:
    text = (call.inputs or {}).get("number")
    number = re.sub(r"[\s.-]", "", text).upper() if isinstance(text, str) else ""
    parts = re.fullmatch(r"([A-Z]{2})([A-Z0-9+*]{2,12})", number)
    if not parts:
        raise bpmn_error("INVALID_NUMBER", "this is no VAT number: two letters for the country and 2 to 12 more characters are expected")
    body = {"countryCode": parts[1], "vatNumber": parts[2]}
    # The standard library's client blocks, so it has a thread: heartbeats go on meanwhile.
    status, headers, text = await asyncio.to_thread(post, f"{URL}/check-vat-number", body, call.idempotencyKey)
    if status == 429 or status >= 500:
        after = headers.get("Retry-After", "")
        raise retryable_error("VIES_UNAVAILABLE", f"VIES answers {status}", float(after) if after.isdigit() else None)
    answer = json.loads(text)
    error = next((e["error"] for e in answer.get("errorWrappers", [])), "")
    if error == "INVALID_INPUT":
        raise bpmn_error("INVALID_NUMBER", "VIES does not take this for a VAT number")
    if answer.get("actionSucceed") is False:  # MS_UNAVAILABLE, MS_MAX_CONCURRENT_REQ and the like
        raise retryable_error("VIES_UNAVAILABLE", f"VIES answers {error}")
    if status >= 400:
        raise permanent_error("VIES_REFUSED", f"VIES answers {status}")
    holder = answer.get("name") or ""
    return {"valid": answer.get("valid") is True, "holder": "" if holder == "---" else holder}


def post(url: str, body: dict[str, Any], key: str) -> tuple[int, Any, bytes]:
    request = urllib.request.Request(
        url, data=json.dumps(body).encode(), method="POST", headers={"Content-Type": "application/json", "Idempotency-Key": key}
    )
    try:
        with urllib.request.urlopen(request, timeout=25) as response:
            return response.status, response.headers, response.read(1 << 20)
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers, refusal.read(1 << 20)


async def main() -> None:
    # TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_* and Temporal's configuration file.
    settings = {"target_host": "localhost:7233", **ClientConfig.load_client_connect_config()}
    client = await Client.connect(**settings)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    worker = Worker(
        client,
        task_queue="connector-vat",  # connector- and the name of the connector
        activities=[action("vat.CHECK", check)],
        max_concurrent_activities=20,
        graceful_shutdown_timeout=timedelta(seconds=20),  # what has not ended by then is called again on another worker
    )
    async with worker:
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
    # All calls have ended. Threads of the SDK may not have, and an interpreter that is taken down under them crashes at times:
    # https://github.com/temporalio/sdk-python/issues/300
    os._exit(0)
