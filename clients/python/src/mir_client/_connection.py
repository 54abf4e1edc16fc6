"""The way to an instance: keys, errors, and repeating what may be repeated."""

from __future__ import annotations

import json
import random
import time
import uuid
from contextlib import contextmanager
from typing import Any, Dict, Iterator, Mapping, Optional, Sequence, Tuple, Union
from urllib.parse import quote, urlsplit

import httpx

from .errors import ApiError, ConfigurationError, ConnectionFailed, FieldProblem, MalformedAnswer, class_for_status

#: Query values: absent ones are left out, lists are sent one by one.
Query = Mapping[str, Union[str, int, None, Sequence[str]]]

_attempts = 4
_longest_pause_seconds = 30.0
_overload = (429, 502, 503, 504)
#: Nothing of the request was sent yet.
_unsent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def path(*parts: Union[str, int]) -> str:
    """A path of parts, each of which stays one part whatever it holds."""
    return "".join("/" + _quoted(str(part)) for part in parts)


def _quoted(part: str) -> str:
    # Dots alone would be taken for a way up.
    return part.replace(".", "%2E") if part in (".", "..") else quote(part, safe="")


class Connection:
    """Sends requests and reads answers. Its repr holds no key."""

    def __init__(self, url: str, api_key: str, timeout_seconds: float) -> None:
        self.url = _checked_url(url)
        self._http = httpx.Client(
            headers={
                "Authorization": f"Bearer {_checked_key(api_key)}",
                "User-Agent": "managed-image-registry-python/0.1.0",
            },
            timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, 10.0)),
            # A redirect would take the key along to wherever it leads.
            follow_redirects=False,
        )

    def __repr__(self) -> str:
        return f"Connection({self.url!r})"

    def close(self) -> None:
        """Lets go of sockets."""
        self._http.close()

    def get(self, route: str, query: Optional[Query] = None) -> Mapping[str, Any]:
        """Asks; repeated when the instance is overloaded or the connection breaks."""
        return self._object(self._send("GET", route, query=query, is_repeatable=True))

    def text(self, route: str, query: Optional[Query] = None) -> str:
        """Asks for a text."""
        return self._send("GET", route, query=query, accept="text/plain", is_repeatable=True).text

    def upload(self, route: str, content_type: str, content: bytes) -> Mapping[str, Any]:
        """Sends bytes, once."""
        return self._object(self._send("POST", route, content=content, headers={"Content-Type": content_type}))

    def download(self, route: str) -> bytes:
        """Asks for bytes."""
        return self._send("GET", route, accept="*/*", is_repeatable=True).content

    def post(self, route: str, body: Optional[Mapping[str, object]] = None) -> Mapping[str, Any]:
        """Has something done, once however often it has to be sent."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        return self._object(self._send("POST", route, body=body or {}, headers=key, is_repeatable=True))

    def post_once(self, route: str, body: Mapping[str, object]) -> Mapping[str, Any]:
        """Has something done whose answer holds a secret; sent once, as an instance keeps what it may have to repeat."""
        return self._object(self._send("POST", route, body=body))

    def patch(self, route: str, body: Mapping[str, object]) -> Mapping[str, Any]:
        """Changes something; sent once."""
        return self._object(self._send("PATCH", route, body=body))

    def delete(self, route: str, query: Optional[Query] = None) -> None:
        """Removes something; sent once."""
        self._send("DELETE", route, query=query)

    @contextmanager
    def stream(self, route: str, last_event_id: str) -> Iterator[Iterator[bytes]]:
        """The bytes of a stream of events, from after an event that was seen."""
        headers = {"Accept": "text/event-stream, application/problem+json", "Cache-Control": "no-store"}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        with self._http.stream("GET", self.url + route, headers=headers) as response:
            if not response.is_success:
                response.read()
                raise _error_of(response)
            yield response.iter_bytes()

    def _send(
        self,
        method: str,
        route: str,
        *,
        query: Optional[Query] = None,
        body: Optional[Mapping[str, object]] = None,
        content: Optional[bytes] = None,
        headers: Optional[Mapping[str, str]] = None,
        accept: str = "application/json",
        is_repeatable: bool = False,
    ) -> httpx.Response:
        if body is not None:
            content = json.dumps(body, ensure_ascii=False).encode()
        request = self._http.build_request(
            method,
            self.url + route,
            params=_params(query),
            content=content,
            headers={
                "Accept": f"{accept}, application/problem+json",
                **({} if body is None else {"Content-Type": "application/json"}),
                **(headers or {}),
            },
        )
        for attempt in range(1, _attempts + 1):
            is_last = attempt == _attempts
            try:
                response = self._http.send(request)
            except httpx.TransportError as error:
                if is_last or not (is_repeatable or isinstance(error, _unsent)):
                    raise ConnectionFailed(self._said(method, error)) from error
                time.sleep(_pause_seconds(attempt))
                continue
            if response.is_success:
                return response
            failure = _error_of(response)
            # What was sent before and not answered may still be under way.
            again = response.status_code in _overload or (attempt > 1 and failure.cause == "idempotency/under-way")
            pause = _pause_seconds(attempt, response.headers.get("retry-after"))
            if is_last or not is_repeatable or not again or pause > _longest_pause_seconds:
                raise failure
            time.sleep(pause)
        raise AssertionError("the last attempt ends in one way or the other")

    def _object(self, response: httpx.Response) -> Mapping[str, Any]:
        try:
            data = response.json()
        except ValueError:
            data = None
        if not isinstance(data, dict):
            said = f"{self.url} answered with something that is no JSON object; is it the address of an instance?"
            raise MalformedAnswer(said)
        return data

    def _said(self, method: str, error: httpx.TransportError) -> str:
        if isinstance(error, _unsent):
            return f"{self.url} cannot be reached ({error or type(error).__name__}). Check the address, and that it runs."
        unknown = "" if method == "GET" else " Whether it was done is not known: look before you repeat it."
        return f"{self.url} broke off before it had answered ({error or type(error).__name__}).{unknown}"


def _params(query: Optional[Query]) -> Dict[str, Union[str, Sequence[str]]]:
    return {
        name: [*value] if isinstance(value, (list, tuple)) else str(value)
        for name, value in (query or {}).items()
        if value is not None
    }


def _pause_seconds(attempt: int, retry_after: Optional[str] = None) -> float:
    if retry_after is not None and retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    # Those who failed together do not come again together.
    return float(0.25 * 2 ** (attempt - 1) * random.uniform(0.5, 1.0))


def _error_of(response: httpx.Response) -> ApiError:
    status = response.status_code
    if response.is_redirect:
        place = urlsplit(response.headers.get("location", ""))
        where = f"{place.scheme}://{place.hostname}" if place.hostname else "another path"
        hint = "Redirects are not followed, because they would take the key along: use the final address."
        return ApiError(status=status, detail=f"The address redirects to {where}", hint=hint)
    try:
        data = response.json()
    except ValueError:
        data = None
    facts = data if isinstance(data, dict) else {}
    detail = facts.get("detail") or facts.get("message")
    if not isinstance(detail, str):
        detail = f"{status} {response.reason_phrase}".strip()
    return class_for_status(status)(
        status=status,
        detail=detail,
        cause=_text(facts.get("cause")),
        hint=_text(facts.get("hint")),
        fields=_fields(facts.get("fields")),
        request_id=_text(facts.get("requestId")) or response.headers.get("x-request-id"),
    )


def _fields(data: object) -> Tuple[FieldProblem, ...]:
    items = data if isinstance(data, list) else []
    return tuple(
        FieldProblem(str(one.get("field", "")), str(one.get("message", ""))) for one in items if isinstance(one, dict)
    )


def _text(value: object) -> Optional[str]:
    return value if isinstance(value, str) and value else None


def _checked_url(url: str) -> str:
    trimmed = url.strip().rstrip("/")
    place = urlsplit(trimmed)
    if place.username or place.password:
        raise ConfigurationError("The address holds a user or password; leave them out and give api_key instead.")
    if place.scheme not in ("http", "https") or not place.hostname or place.query or place.fragment:
        raise ConfigurationError(f"{trimmed!r} is no address of an instance; write it as https://HOST or http://HOST:PORT.")
    return trimmed


def _checked_key(api_key: str) -> str:
    key = api_key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError("The API key holds characters that no key has; copy it again.")
    return key
