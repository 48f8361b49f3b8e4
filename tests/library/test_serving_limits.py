"""Large batches are predicted one after the other; too many of them are rejected, and none is counted for ever."""

import asyncio
import threading

import pytest
from cd4ml.serving.limits import LargeBatches
from starlette.exceptions import HTTPException


def test_so_many_batches_wait_and_no_more_one_runs_at_a_time_and_later_ones_are_accepted_again():
    go_on, running, most_at_once = threading.Event(), [], []

    def predict(name):
        running.append(name)
        most_at_once.append(len(running))
        assert go_on.wait(30)
        running.remove(name)
        if name == "fails":
            raise ValueError(name)
        return name

    async def scenario():
        batches = LargeBatches(most=2)
        accepted = [asyncio.create_task(batches.run(predict, name)) for name in ("first", "fails")]
        await asyncio.sleep(0.2)
        with pytest.raises(HTTPException) as rejected:
            await batches.run(predict, "third")
        go_on.set()
        answers = await asyncio.gather(*accepted, return_exceptions=True)
        return rejected.value, answers, [await batches.run(predict, name) for name in ("fourth", "fifth", "sixth")]

    rejected, (first, failed), later = asyncio.run(scenario())

    assert (rejected.status_code, rejected.headers) == (503, {"Retry-After": "1"})
    assert "large batches" in rejected.detail
    assert (first, str(failed), later) == ("first", "fails", ["fourth", "fifth", "sixth"])
    assert set(most_at_once) == {1}
