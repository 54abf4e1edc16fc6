"""A small instance on loopback that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Union
from urllib.parse import parse_qs, unquote, urlsplit


class Asked(NamedTuple):
    method: str
    path: str
    query: Dict[str, List[str]]
    headers: Dict[str, str]
    body: Any


class Answer(NamedTuple):
    status: int = 200
    body: Union[bytes, str, dict, list, None] = None
    headers: Dict[str, str] = {}
    #: Ends the connection after so many bytes of the body.
    cut_after: Optional[int] = None


class Instance:
    """Answers come from a function of the request, or from a list in turn."""

    def __init__(self, answers: Union[Callable[[Asked], Answer], List[Answer]]) -> None:
        self.asked: List[Asked] = []
        queue = answers if isinstance(answers, list) else None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def handle_any(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                place = urlsplit(self.path)
                asked = Asked(
                    self.command,
                    place.path,
                    parse_qs(place.query),
                    {name.lower(): value for name, value in self.headers.items()},
                    json.loads(raw) if raw else None,
                )
                outer.asked.append(asked)
                answer = queue.pop(0) if queue is not None else answers(asked)
                body = answer.body
                content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(content)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content if answer.cut_after is None else content[: answer.cut_after])
                if answer.cut_after is not None:
                    self.close_connection = True

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Instance:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def named(path: str) -> str:
    """The last part of a path, decoded."""
    return unquote(path.rsplit("/", 1)[-1])
