"""What can go wrong, as a small tree below :class:`MirError`.

A message says what is wrong, with which value, and what to do about it. None of them holds a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional, Tuple

if TYPE_CHECKING:
    from .models import Failure, Job


class MirError(Exception):
    """Whatever this package raises."""


class ConfigurationError(MirError):
    """The client cannot be made of what it was given."""


class ConnectionFailed(MirError):
    """The instance was not reached, or the connection broke before it had answered."""


class MalformedAnswer(MirError):
    """The answer is not what an instance sends: perhaps a proxy answered, or the instance is of another version."""


@dataclass(frozen=True)
class FieldProblem:
    """One field of a request that is wrong."""

    field: str
    message: str


class ApiError(MirError):
    """The instance refused, or failed."""

    #: The HTTP status.
    status: int
    #: A stable word to branch on, such as ``image/taken``; None when something in between has answered.
    cause: Optional[str]
    #: What is wrong, without the way out.
    detail: str
    #: What to do about it.
    hint: Optional[str]
    #: The fields of the request that are wrong.
    fields: Tuple[FieldProblem, ...]
    #: What an administrator finds the request by.
    request_id: Optional[str]

    def __init__(
        self,
        *,
        status: int,
        detail: str,
        cause: Optional[str] = None,
        hint: Optional[str] = None,
        fields: Tuple[FieldProblem, ...] = (),
        request_id: Optional[str] = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.cause = cause
        self.detail = detail
        self.hint = hint
        self.fields = fields
        self.request_id = request_id

    def __str__(self) -> str:
        lines = [self.detail]
        # A single field mostly is what the detail is about already.
        if len(self.fields) > 1:
            lines.extend(f"  {one.field}: {one.message}" for one in self.fields)
        if self.hint:
            lines.append(self.hint)
        if self.status >= 500 and self.request_id:
            lines.append(f"(request {self.request_id})")
        return "\n".join(lines)


class InvalidRequest(ApiError):
    """Something in the request is wrong, or cannot be done now (400)."""


class Unauthenticated(ApiError):
    """The API key is missing, wrong or expired (401)."""


class Forbidden(ApiError):
    """The owner of the key has no right to this (403)."""


class NotFound(ApiError):
    """There is no such thing (404)."""


class Conflict(ApiError):
    """The name is taken, or something is under way that stands against it (409)."""


class Overloaded(ApiError):
    """The instance has too much to do, or the caller has asked too much (429, 503)."""


class ServerFault(ApiError):
    """The instance failed (other 5xx)."""


class BuildFailed(MirError):
    """A build came to its end without a usable version.

    An image that was READY before stays READY on its earlier version.
    """

    #: The name of the image.
    image: str
    #: What went wrong, where that is known.
    failure: Optional[Failure]
    #: The job, where there was one.
    job: Optional[Job]

    def __init__(self, image: str, failure: Optional[Failure], job: Optional[Job] = None) -> None:
        said = str(failure) if failure is not None else "no reason was given"
        super().__init__(f"The build of {image} failed: {said}")
        self.image = image
        self.failure = failure
        self.job = job


class BuildCancelled(BuildFailed):
    """Somebody cancelled the build."""

    def __init__(self, image: str, job: Optional[Job] = None) -> None:
        super().__init__(image, None, job)
        self.args = (f"The build of {image} was cancelled",)


class WaitTimeout(MirError, TimeoutError):
    """The build goes on; waiting for it ended first."""


_by_status = {
    400: InvalidRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: InvalidRequest,
    429: Overloaded,
    503: Overloaded,
}


def class_for_status(status: int) -> type[ApiError]:
    """The class of an error with this status."""
    return _by_status.get(status, ServerFault if status >= 500 else ApiError)
