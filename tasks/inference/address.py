"""One address of an OpenAI-compatible server: its connections, what is tried again, and errors in a sentence.

The key stands in the header of every call and nowhere else: not in settings, logs, errors or keys of stages.
"""

from __future__ import annotations

import email.utils
import os
import random
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from tasks.core.errors import FlywheelError
from tasks.inference.server_calls import HalfAnswerError, HeldModel, ServerKind, held_models
from tasks.settings.engine import EngineSettings

# Too early or too many, or a proxy's or the server's own trouble; 529 is that of an overloaded host.
_PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 529}
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_LONGEST_ASKED_S = 600.0
_CONNECT_S = 10.0
_LOOK_S = 30.0
# Before a run starts nobody waits long to hear that a server is not there.
_LOOKS = 2


class ServerGoneError(FlywheelError):
    """A server that was tried often enough; another one may answer in its place."""


class ContextExceededError(Exception):
    """The prompt is longer than what the server's model takes."""


class Address:
    """A client of one server. `limit` connections are open at most.

    Raises `FlywheelError` when the variable that is to hold the key holds none.
    """

    def __init__(self, address: str, settings: EngineSettings) -> None:
        address = address.rstrip("/")
        parts = urlsplit(address)
        self.base = address if parts.path else f"{address}/v1"
        self.host = self.base.removesuffix("/v1")
        self.waits_for = ""
        self._settings = settings
        self._closed = threading.Event()
        limits = httpx.Limits(
            max_connections=settings.concurrency + 2, max_keepalive_connections=settings.concurrency + 2
        )
        self._client = httpx.Client(
            headers=key_header(settings),
            limits=limits,
            timeout=_CONNECT_S,
            # A proxy of the environment does not know this machine's own addresses.
            trust_env=parts.hostname not in ("localhost", "127.0.0.1", "::1"),
            follow_redirects=True,
        )

    def close(self) -> None:
        """End the calls under way and those that wait; safe to call twice."""
        self._closed.set()
        self._client.close()

    def look(self) -> tuple[ServerKind, list[HeldModel]]:
        """What the server is, and the models that it names.

        Raises `ServerGoneError` when it cannot be reached, `FlywheelError` for a refused key, or an address
        that lists no models.
        """
        try:
            software, models = held_models(self._tried("GET", f"{self.base}/models", None, _LOOK_S, _LOOKS))
        except HalfAnswerError as half:
            raise FlywheelError(
                f"{self.base} is no OpenAI-compatible server ({half}): name its address up to /v1."
            ) from None
        return ServerKind(software, self._version(software)), models

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to `{base}{path}`. Raises as `look` does, and `ContextExceededError`."""
        timeout_s, retries = self._settings.request_timeout_s, self._settings.retries
        return self._tried("POST", f"{self.base}{path}", body, timeout_s, retries)

    def _tried(
        self, method: str, url: str, body: Mapping[str, Any] | None, timeout_s: float, most: int
    ) -> Any:
        """The answer as plain JSON; what may pass is tried again after a pause, ever longer."""
        trouble, retries = "", min(most, self._settings.retries)
        timeout = httpx.Timeout(timeout_s, connect=_CONNECT_S, pool=None)
        for attempt in range(retries + 1):
            asked_s = 0.0
            try:
                answer = self._client.request(method, url, json=body, timeout=timeout)
                if answer.status_code == 200:
                    self.waits_for = ""
                    return _plain(answer)
                if answer.status_code not in _PASSING:
                    raise self._refusal(answer)
                trouble = f"it answers {answer.status_code}: {_message(answer)}"
                asked_s = _asked_pause(answer.headers.get("retry-after", ""))
            except httpx.TransportError as error:
                trouble = _cause(error)
            except HalfAnswerError as half:
                trouble = str(half)
            except RuntimeError:
                # httpx says so of a client that was closed in the meantime.
                if not self._closed.is_set():
                    raise
            if attempt < retries and not self._closed.is_set():
                self.waits_for = f"waiting for {self.base} ({trouble})"
                self._closed.wait(max(asked_s, _pause(attempt)))
            if self._closed.is_set():
                raise ServerGoneError(f"the connection to {self.base} was closed.")
        raise ServerGoneError(self._gone(trouble, retries + 1))

    def _gone(self, trouble: str, times: int) -> str:
        often = f" {times} times in a row" if times > 1 else ""
        if trouble.startswith("it answers 429"):
            step = "lower engine.concurrency or raise engine.retries"
        elif trouble.startswith("it answers"):
            step = "see its log"
        else:
            step = "start it, or correct engine.servers"
        return (
            f"the server {self.base} did not answer{often} ({trouble}): {step}, and start the run again, "
            "which goes on from its finished shards."
        )

    def _refusal(self, answer: httpx.Response) -> Exception:
        told, status = _message(answer), answer.status_code
        if status in (401, 403):
            name = self._settings.key_variable
            step = (
                f"put another key into {name}"
                if name
                else "set engine.key_variable to the name of the environment variable that holds its key"
            )
            return FlywheelError(f"the server {self.base} refuses the key ({status}): {step}.")
        if "context_length_exceeded" in answer.text or "exceed_context_size" in answer.text:
            return ContextExceededError(told)
        if "maximum context length" in told:
            return ContextExceededError(told)
        if status == 404 and answer.request.method == "POST":
            return self._not_held(answer, told)
        if status == 404:
            return FlywheelError(
                f"{answer.request.url} is not there (404): name the server's address up to /v1 in "
                "engine.servers."
            )
        return FlywheelError(
            f"the server {self.base} refuses what it is asked for ({status}: {told}): see its log, and "
            "engine.endpoint for another way to ask."
        )

    def _not_held(self, answer: httpx.Response, told: str) -> FlywheelError:
        try:
            _, models = self.look()
        except FlywheelError:
            models = []
        names = ", ".join(model.name for model in models) or "no model"
        return FlywheelError(
            f"the server {self.base} does not answer {answer.request.url.path} (404: {told}); it holds "
            f"{names}: set engine.served_model to a model that it holds, or engine.endpoint to the other way "
            "to ask."
        )

    def _version(self, software: str) -> str:
        """The version that the server tells in its own way; "" where it does not."""
        paths = {"vllm": "version", "sglang": "get_server_info", "llama.cpp": "props"}
        if software not in paths:
            return ""
        try:
            told = self._client.get(f"{self.host}/{paths[software]}", timeout=_CONNECT_S).json()
            return str(told.get("version") or told.get("build_info") or "")
        except (httpx.HTTPError, ValueError, AttributeError):
            return ""


def key_header(settings: EngineSettings) -> dict[str, str]:
    """Raises `FlywheelError` when the variable that is to hold the key holds none."""
    if not settings.key_variable:
        return {}
    key = os.environ.get(settings.key_variable, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise FlywheelError(
            f"the environment variable {settings.key_variable}, which engine.key_variable names, holds no "
            "key: set it where the run starts."
        )
    return {"authorization": f"Bearer {key}"}


def _pause(attempt: int) -> float:
    """Seconds, doubled each time, a half more or less by chance: not all that wait come back at once."""
    pause: float = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(attempt, 10))
    return pause * random.uniform(0.5, 1.5)


def _asked_pause(header: str) -> float:
    """Seconds of a Retry-After header: a number, or the time of a date; 0 for neither."""
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, TypeError):
            seconds = 0.0
    return min(_LONGEST_ASKED_S, max(0.0, seconds))


def _plain(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise HalfAnswerError("its answer is no JSON") from None


def _cause(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return f"no connection: {str(error) or 'timeout'}"
    if isinstance(error, httpx.TimeoutException):
        return "no answer within engine.request_timeout_s"
    return f"the connection was lost: {str(error) or type(error).__name__}"


def _message(answer: httpx.Response) -> str:
    """What an answer says went wrong, in at most 200 characters of one line."""
    try:
        told = answer.json()
        for part in ("error", "message", "detail"):
            if isinstance(told, dict) and told.get(part):
                told = told[part]
    except ValueError:
        told = answer.text
    return " ".join(str(told).split())[:200] or answer.reason_phrase
