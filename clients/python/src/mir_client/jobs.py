"""Jobs of an instance: looked at, followed, cancelled."""

from __future__ import annotations

import json
import time
from typing import Callable, Iterator, List, Mapping, Optional, Sequence, Union

import httpx

from ._connection import Connection, path
from ._events import ServerEvent, read_events
from ._notebook import ProgressLine
from ._reading import read
from .errors import BuildCancelled, BuildFailed, ConnectionFailed, MalformedAnswer, Overloaded, WaitTimeout
from .models import Job, LogLine

#: True prints progress, False says nothing, a function is told of each change.
ProgressChoice = Union[bool, Callable[[Job], None]]

_first_pause_seconds = 0.25
_longest_pause_seconds = 5.0
_silent_attempts = 6


class Jobs:
    """The jobs of an instance."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, job_id: str) -> Job:
        """A job as it is now."""
        return read(Job, self._connection.get(path("v1", "jobs", job_id, "details")).get("job"))

    def list(self, *, status: Union[str, Sequence[str]] = (), limit: int = 100) -> List[Job]:
        """Jobs that run, those that wait, in their order, and those that ended last."""
        statuses = [status] if isinstance(status, str) else [*status]
        found = self._connection.get("/v1/jobs", {"status": statuses, "limit": limit}).get("jobs")
        return [read(Job, one) for one in found or []]

    def cancel(self, job_id: str) -> None:
        """Ends a job; one that is being built stops soon after."""
        self._connection.post(path("v1", "jobs", "cancel", job_id))

    def wait(
        self,
        job_id: str,
        *,
        timeout_seconds: Optional[float] = None,
        progress: ProgressChoice = False,
        name: Optional[str] = None,
    ) -> Job:
        """Waits until a job has succeeded.

        Raises:
            BuildFailed, BuildCancelled: it ended otherwise.
            WaitTimeout: it goes on after ``timeout_seconds``.
        """
        end = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        listener = _listener(progress, name or job_id)
        pause = _first_pause_seconds
        while True:
            job = self.get(job_id)
            listener(job)
            if job.is_finished:
                break
            if end is not None and time.monotonic() + pause > end:
                remaining = end - time.monotonic()
                if remaining <= 0:
                    said = f"{name or job_id} is not done after {timeout_seconds:g} s ({job}); the build goes on"
                    raise WaitTimeout(said)
                time.sleep(remaining)
            else:
                time.sleep(pause)
            pause = min(pause * 1.5, _longest_pause_seconds)
        if job.status == "CANCELLED":
            raise BuildCancelled(_said(job, name), job)
        if job.status == "FAILED":
            raise BuildFailed(_said(job, name), job.failure, job)
        return job

    def follow(self, job_id: str, *, on_progress: Optional[Callable[[Job], None]] = None) -> Iterator[LogLine]:
        """The log of a job from its beginning, line by line as they are written, until the job ends.

        A connection that breaks is taken up again after the last line that was seen.
        """
        return follow_events(self._connection, path("v1", "jobs", job_id, "events"), f"job {job_id}", on_progress)


def follow_events(
    connection: Connection,
    route: str,
    name: str,
    on_progress: Optional[Callable[[Job], None]] = None,
) -> Iterator[LogLine]:
    """The log lines of a stream of events until its end, taken up again after the last line when it breaks off."""
    last_id = ""
    silent = 0
    while True:
        try:
            with connection.stream(route, last_id) as chunks:
                for event in read_events(chunks):
                    if event.last_id != last_id:
                        last_id, silent = event.last_id, 0
                    if event.event == "log":
                        yield _log_line(event)
                    elif event.event in ("progress", "end"):
                        if on_progress is not None:
                            on_progress(read(Job, _data(event)))
                        if event.event == "end":
                            return
        except (httpx.TransportError, Overloaded) as error:
            if silent >= _silent_attempts:
                raise ConnectionFailed(f"The log of {name} broke off ({error})") from error
        else:
            if silent >= _silent_attempts:
                raise ConnectionFailed(f"The log of {name} broke off before its end")
        silent += 1
        time.sleep(min(_first_pause_seconds * 2**silent, _longest_pause_seconds))


def _said(job: Job, name: Optional[str]) -> str:
    return name or ", ".join(one.name for one in job.images) or job.job_id


def _listener(progress: ProgressChoice, name: str) -> Callable[[Job], None]:
    if callable(progress):
        return progress
    return ProgressLine(name) if progress else lambda _job: None


def _data(event: ServerEvent) -> Mapping[str, object]:
    try:
        data = json.loads(event.data)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise MalformedAnswer(f"The event {event.event!r} holds no JSON object")
    return data


def _log_line(event: ServerEvent) -> LogLine:
    return read(LogLine, _data(event), "the log line")
