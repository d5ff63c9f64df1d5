"""Completions from OpenAI-compatible servers: any number of addresses that hold one model share the requests.

Every request carries its seed, and completions are put in the order of the requests, so it changes nothing
which server answers which. A server that is gone leaves its requests to the others.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tasks.core.errors import FlywheelError
from tasks.core.progress import current
from tasks.inference.address import Address, ContextExceededError, ServerGoneError, key_header
from tasks.inference.base import Completion, Engine, Request, Sampler, Weights
from tasks.inference.server_calls import (
    HalfAnswerError,
    HeldModel,
    ServerKind,
    body_of,
    completions_of,
    prompt_tokens,
    uses_chat,
)
from tasks.settings.engine import EngineSettings

_LOOK_S = 0.5


class _Batch:
    """The requests of one call, and what has come of them."""

    def __init__(self, requests: Sequence[Request]) -> None:
        self.requests = requests
        self.answers: list[list[Completion] | None] = [None] * len(requests)
        self.error: BaseException | None = None
        self.over = threading.Event()
        self._left = len(requests)
        self._lock = threading.Lock()

    @property
    def share(self) -> float:
        return 1 - self._left / len(self.requests)

    def put(self, place: int, completions: list[Completion]) -> None:
        with self._lock:
            self.answers[place] = completions
            self._left -= 1
        if not self._left:
            self.over.set()

    def fail(self, error: BaseException) -> None:
        with self._lock:
            self.error = self.error or error
        self.over.set()


@dataclass
class _Server:
    """An address that holds the model under a name, and why it is given up (None while it is not)."""

    address: Address
    model: str
    kind: ServerKind
    given_up: ServerGoneError | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class ServerSampler:
    """A sampler that spreads requests over servers, `engine.concurrency` at once to each.

    `limit` bounds prompt plus completion in tokens (0: the servers' own limit). `generate` raises
    `FlywheelError` when a server refuses a request, or none of them answers any more.
    """

    def __init__(
        self, servers: Sequence[tuple[Address, str, ServerKind]], limit: int, settings: EngineSettings
    ) -> None:
        self._servers = [_Server(*one) for one in servers]
        self._limit, self._settings = limit, settings
        self._jobs: queue.SimpleQueue[tuple[_Batch, int] | None] = queue.SimpleQueue()
        self._closed = False
        self._counts_otherwise = False
        for server in self._servers:
            for _ in range(settings.concurrency):
                threading.Thread(target=self._work, args=(server,), daemon=True).start()

    @property
    def alive(self) -> bool:
        return not self._closed and any(server.given_up is None for server in self._servers)

    def generate(self, requests: Sequence[Request]) -> list[list[Completion]]:
        if not requests:
            return []
        if not self.alive:
            raise self._none_left()
        batch = _Batch(requests)
        for place in range(len(requests)):
            self._jobs.put((batch, place))
        progress = current()
        try:
            while not batch.over.wait(_LOOK_S):
                progress.part(batch.share)
                waits = [server.address.waits_for for server in self._servers if server.given_up is None]
                progress.doing(next(filter(None, waits), ""))
                if not self.alive:
                    # One may have been put back behind the last server's back.
                    batch.fail(self._none_left())
        except BaseException as error:
            # What still waits is not asked for any more.
            batch.fail(error)
            raise
        progress.doing("")
        if batch.error is not None:
            raise batch.error
        return [answer for answer in batch.answers if answer is not None]

    def close(self) -> None:
        """End all connections; requests under way fail. Safe to call twice."""
        self._closed = True
        for server in self._servers:
            server.address.close()
            for _ in range(self._settings.concurrency):
                self._jobs.put(None)

    def _none_left(self) -> FlywheelError:
        given_up = [str(server.given_up) for server in self._servers if server.given_up is not None]
        others = f" So it is with {len(given_up) - 1} more of engine.servers." if len(given_up) > 1 else ""
        return FlywheelError((given_up[-1] if given_up else "the engine was closed.") + others)

    def _work(self, server: _Server) -> None:
        while (job := self._jobs.get()) is not None:
            batch, place = job
            if batch.error is not None:
                continue
            if server.given_up is not None:
                self._jobs.put(job)
                return
            try:
                batch.put(place, self._complete(server, batch.requests[place]))
            except ServerGoneError as gone:
                server.given_up = gone
                if self.alive:
                    self._jobs.put(job)
                else:
                    batch.fail(self._none_left())
                return
            except BaseException as error:
                batch.fail(error)

    def _complete(self, server: _Server, request: Request) -> list[Completion]:
        """All of a request's completions. A server that gives fewer than it is asked for is asked again, with
        the seeds that the missing ones would have had."""
        room = self._limit - len(request.prompt_ids) if self._limit and request.prompt_ids else None
        too_long = [Completion("", "prompt_too_long", 0)] * request.n
        if room is not None and room < 1:
            return too_long
        max_tokens = request.max_tokens if room is None else min(request.max_tokens, room)
        chat = uses_chat(request, self._settings.endpoint, server.kind)
        found: list[Completion] = []
        while len(found) < request.n:
            # Not cut to 31 bits: a server counts on from the seed of a request as here.
            seed = request.seed + len(found)
            body = body_of(request, server.model, request.n - len(found), seed, max_tokens, chat, server.kind)
            try:
                found += self._answered(server, body, chat, request)
            except ContextExceededError:
                return too_long
        return found[: request.n]

    def _answered(
        self, server: _Server, body: dict[str, object], chat: bool, request: Request
    ) -> list[Completion]:
        trouble = ""
        for _ in range(self._settings.retries + 1):
            answer = server.address.post("/chat/completions" if chat else "/completions", body)
            try:
                completions = completions_of(answer, chat)
            except HalfAnswerError as half:
                trouble = str(half)
                continue
            counted = prompt_tokens(answer)
            if request.prompt_ids and counted and counted != len(request.prompt_ids):
                self._tell_of_other_tokens(server, counted, len(request.prompt_ids))
            return completions
        raise ServerGoneError(
            f"the server {server.address.base} answers by halves ({trouble}): see its log, and start the run "
            "again, which goes on from its finished shards."
        )

    def _tell_of_other_tokens(self, server: _Server, counted: int, own: int) -> None:
        """Once: rows are trained under the prompt as it is rendered here."""
        if not self._counts_otherwise:
            self._counts_otherwise = True
            current().tell(
                f"the server {server.address.base} makes {counted} tokens of a prompt that has {own} here: "
                "its tokenizer or chat template is another one than that of model.name"
            )


# By servers and the setting that chooses among their models: what stands in every key is asked once a run.
_looked: dict[tuple[str, ...], str] = {}
_looking = threading.Lock()


def forget_looks() -> None:
    """Ask the servers again what they are."""
    with _looking:
        _looked.clear()


def _looks(settings: EngineSettings) -> list[tuple[Address, ServerKind, list[HeldModel]]]:
    """Every server that answers, and what it holds. Raises the last one's error when none does, and any error
    but that it cannot be reached."""
    found, gone = [], None
    for name in settings.servers:
        address = Address(name, settings)
        try:
            found.append((address, *address.look()))
        except ServerGoneError as error:
            address.close()
            gone = error
        except BaseException:
            address.close()
            for one, *_ in found:
                one.close()
            raise
    if gone is not None and not found:
        raise gone
    if gone is not None:
        current().tell(f"{len(found)} of {len(settings.servers)} servers answer: {gone}")
    return found


def base_model_of(models: Sequence[HeldModel], settings: EngineSettings, where: str) -> HeldModel:
    """The base model among those that a server holds. Raises `FlywheelError` naming them when it cannot be
    told."""
    own = [model for model in models if not model.parent]
    names = ", ".join(model.name for model in models) or "no model"
    wanted = settings.served_model
    chosen = [model for model in models if model.name == wanted] if wanted else own
    if len(chosen) == 1:
        return chosen[0]
    if wanted:
        raise FlywheelError(
            f"the server {where} does not hold {wanted!r}, which engine.served_model names; it holds "
            f"{names}: load it there, or name one of these."
        )
    raise FlywheelError(f"the server {where} holds {names}: name the base model in engine.served_model.")


def _described(kind: ServerKind, model: HeldModel) -> str:
    origin = Path(model.origin).name if model.origin not in ("", model.name) else ""
    told = ", ".join(filter(None, (model.name, origin, model.size)))
    return f"{kind.described()}, {told}"


def _identity(settings: EngineSettings) -> str:
    key = (*settings.servers, settings.served_model, settings.endpoint, settings.key_variable)
    with _looking:
        if key not in _looked:
            looks = _looks(settings)
            try:
                _looked[key] = _agreed(looks, settings)
            finally:
                for address, *_ in looks:
                    address.close()
        return _looked[key]


def _agreed(looks: Sequence[tuple[Address, ServerKind, list[HeldModel]]], settings: EngineSettings) -> str:
    told = {
        _described(kind, base_model_of(models, settings, address.base)): address.base
        for address, kind, models in looks
    }
    if len(told) > 1:
        (one, first), (other, second), *_ = told.items()
        raise FlywheelError(
            f"{first} ({one}) and {second} ({other}) differ, so it would matter which of them answers: "
            "name servers of one version and model in engine.servers."
        )
    endpoint = "" if settings.endpoint == "auto" else f", {settings.endpoint}"
    return f"server {next(iter(told))}{endpoint}"


def _check(settings: EngineSettings) -> None:
    key_header(settings)
    forget_looks()
    _identity(settings)


def _name_at(
    address: Address, models: Sequence[HeldModel], weights: Weights, settings: EngineSettings
) -> str:
    """The name under which a server holds the weights."""
    folder = str(weights.folder)
    for model in models:
        if folder in (model.name, model.origin) or model.name == weights.digest:
            return model.name
    if not was_trained_here(weights.folder):
        return base_model_of(models, settings, address.base).name
    names = ", ".join(model.name for model in models) or "no model"
    raise FlywheelError(
        f"the server {address.base} holds {names}, but not the trained model {folder}: start it with that "
        "folder as its model and start the run again, or set engine.kind to 'vllm'."
    )


def was_trained_here(folder: Path) -> bool:
    """Whether a training stage has left this folder, so that a server's base model is another one."""
    return folder.with_name(f".{folder.name}.training.json").exists()


def _open(weights: Weights, settings: EngineSettings, log_folder: Path) -> Sampler:
    looks = _looks(settings)
    try:
        servers = [
            (address, _name_at(address, models, weights, settings), kind) for address, kind, models in looks
        ]
        for address, _, models in looks:
            limits = [model.limit for model in models if model.limit]
            if limits and weights.max_context_tokens > min(limits):
                raise FlywheelError(
                    f"the server {address.base} takes {min(limits)} tokens of prompt and completion, but "
                    f"sampling.max_context_tokens is {weights.max_context_tokens}: lower it, or start the "
                    "server with a longer context."
                )
    except BaseException:
        for address, *_ in looks:
            address.close()
        raise
    return ServerSampler(servers, weights.max_context_tokens, settings)


ENGINE = Engine("server", _identity, _open, _check, parallel=lambda settings: max(1, len(settings.servers)))
