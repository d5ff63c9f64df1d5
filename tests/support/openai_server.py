"""An OpenAI-compatible server of its own thread and port, whose answers follow from the request alone.

`faults` go wrong first, one a request, in order: a status (429, 503, 401, 404, 400), "half" (fewer bytes
than it promised), "drop" (the connection ends), "no json", "no choices", "no end" (a completion without a
reason to have ended). The last of them is repeated for ever where `forever` is set.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = int | str


class OpenAiServer:
    """What a test may set, and what it has seen. `gives_at_most` completions come of one request."""

    def __init__(
        self,
        models: Sequence[dict[str, Any]],
        faults: Sequence[Fault],
        forever: bool,
        retry_after: str,
        gives_at_most: int,
        key: str,
    ) -> None:
        self.models = list(models)
        self.faults, self.forever = list(faults), forever
        self.retry_after, self.gives_at_most, self.key = retry_after, gives_at_most, key
        self.version = "9.9"
        self.asked: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.most_at_once = self.at_once = 0
        self.pause_s = 0.0
        self.lock = threading.Lock()
        self.address = ""

    def next_fault(self) -> Fault | None:
        with self.lock:
            if not self.faults:
                return None
            return self.faults[0] if self.forever and len(self.faults) == 1 else self.faults.pop(0)


def answer_to(body: dict[str, Any], chat: bool, most: int) -> dict[str, Any]:
    """A completion for each seed: text and tokens follow from prompt and seed."""
    prompt = json.dumps(body["messages"] if chat else body["prompt"])
    choices = []
    for index in range(min(int(body["n"]), most)):
        digest = hashlib.sha256(f"{prompt}/{body['seed'] + index}".encode()).hexdigest()
        text = f"answer {digest[:12]}"
        choice: dict[str, Any] = {
            "index": index,
            "finish_reason": "stop",
            "token_ids": [*digest.encode()][:5],
        }
        if chat:
            choice["message"] = {"role": "assistant", "content": text, "reasoning_content": f"why {index}"}
        else:
            choice["text"] = text
        choices.append(choice)
    # Some servers answer out of order.
    return {"choices": choices[::-1], "usage": {"prompt_tokens": 3, "completion_tokens": 5 * len(choices)}}


def _handler(server: OpenAiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

        def do_GET(self) -> None:
            if self.path == "/version":
                self._send(200, {"version": server.version})
            elif self.path != "/v1/models":
                self._send(404, {"detail": "Not Found"})
            elif server.key and self.headers["authorization"] != f"Bearer {server.key}":
                self._send(401, {"error": {"message": "Incorrect API key provided"}})
            else:
                self._send(200, {"object": "list", "data": server.models})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with server.lock:
                server.paths.append(self.path)
                server.asked.append(body)
                server.at_once += 1
                server.most_at_once = max(server.most_at_once, server.at_once)
            time.sleep(server.pause_s)
            try:
                self._answer(body)
            finally:
                with server.lock:
                    server.at_once -= 1

        def _answer(self, body: dict[str, Any]) -> None:
            fault = server.next_fault()
            answer = answer_to(body, self.path.endswith("/chat/completions"), server.gives_at_most)
            if isinstance(fault, int):
                self._send(fault, {"error": {"message": f"fault {fault}"}})
            elif fault == "no json":
                self._raw(b"<html>busy</html>", 17)
            elif fault == "half":
                self._raw(json.dumps(answer).encode()[:40], 4000)
            elif fault == "drop":
                self.close_connection = True
            elif fault == "no choices":
                self._send(200, {"choices": []})
            elif fault == "no end":
                answer["choices"][0]["finish_reason"] = None
                self._send(200, answer)
            else:
                self._send(200, answer)

        def _send(self, status: int, content: Any) -> None:
            self._raw(json.dumps(content).encode(), None, status)

        def _raw(self, content: bytes, length: int | None, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(length or len(content)))
            if status in (429, 503) and server.retry_after:
                self.send_header("retry-after", server.retry_after)
            self.end_headers()
            self.wfile.write(content)
            if length is not None:
                self.close_connection = True

    return Handler


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def openai_server(
    models: Sequence[dict[str, Any]] = ({"id": "base", "owned_by": "vllm", "max_model_len": 2048},),
    faults: Sequence[Fault] = (),
    forever: bool = False,
    retry_after: str = "0",
    gives_at_most: int = 99,
    key: str = "",
) -> Iterator[OpenAiServer]:
    """A server for the block; `address` is what `engine.servers` takes."""
    server = OpenAiServer(models, faults, forever, retry_after, gives_at_most, key)
    http = _Http(("127.0.0.1", 0), _handler(server))
    server.address = f"http://127.0.0.1:{http.server_address[1]}/v1"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
