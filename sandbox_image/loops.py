"""Event loops on both sides of a check's pipe, so that each may await what lives in the other process.

A coroutine, or whatever else is awaitable, stays where it was made and runs there as a task. Of the two loops
of a `Link` one runs: that of whoever has said `asyncio.run`. The other takes a turn when that one has come to
the same point, and says when it wants the next; so both go on in step, as one loop would. A request names
the link by its number, a task by a ticket of whoever awaits it; its answer is `(ended, delay)`: of tasks that
have ended `(ticket, whether it returned, value or exception)`, and in how many seconds the next turn is due,
None where nothing waits.
"""

from __future__ import annotations

import builtins
import sys
import types
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

# Functions look names up in the builtins they were made with: a private copy survives patching.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

OPERATIONS = frozenset({".await", ".cancel", ".turn", ".ended", ".unlink"})
MAX_LINKS = 8
# So many turns are one round of callbacks, as in a loop that both share; then each is many rounds.
EXACT_TURNS, ROUNDS = 2000, 50
# How often a loop is asked that waits for a thread, a process or a stream.
POLL_S = 0.005
Ended = tuple[int, bool, Any]


class Link:
    """Two loops, one in each process. `runs`: whether this process has the one that runs by itself."""

    def __init__(self, number: int, loop: asyncio.AbstractEventLoop, runs: bool) -> None:
        self.number, self.runs = number, runs
        self.loop: Any = loop
        self.started: dict[int, asyncio.Task[Any]] = {}
        self.awaited: dict[int, asyncio.Future[tuple[bool, Any]]] = {}
        self.due: float | None = None
        self.turns = 0
        self.is_over = False

    def ended(self) -> tuple[Ended, ...]:
        """Tasks of the other process that have ended since it was last told."""
        found = []
        for ticket, task in [*self.started.items()]:
            if task.done():
                del self.started[ticket]
                found.append((ticket, *_outcome(task)))
        return tuple(found)

    def delay(self) -> float | None:
        """Seconds until the loop here, which does not run by itself, has something to do."""
        if self.runs or self.is_over:
            return None
        if self.loop._ready:
            return 0.0
        waits = [max(0.0, self.loop._scheduled[0].when() - self.loop.time())] if self.loop._scheduled else []
        threading: Any = sys.modules.get("threading")
        threads = 1 if threading is None else threading.active_count()
        if len(self.loop._selector.get_map()) > 1 or threads > 1:
            waits.append(POLL_S)
        return min(waits, default=None)

    def start(self, ticket: int, value: Any) -> None:
        """Has a task await a value of this process; as far as it comes at once, as a plain `await` would."""
        import asyncio

        loop = self.loop
        task = loop.create_task(value if type(value) is types.CoroutineType else _waiting(value))
        self.started[ticket] = task
        step = loop._ready.pop()
        before, current = asyncio._get_running_loop(), asyncio.current_task(loop)
        asyncio._set_running_loop(loop)
        if current is not None:
            asyncio.tasks._leave_task(loop, current)
        try:
            step._run()
        finally:
            if current is not None:
                asyncio.tasks._enter_task(loop, current)
            asyncio._set_running_loop(before)

    def turn(self) -> None:
        """One round of what is ready in the loop here; of many turns many rounds each."""
        import asyncio

        loop = self.loop
        if self.runs or self.is_over or loop.is_running():
            return
        self.turns += 1
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        try:
            for _ in range(ROUNDS if self.turns > EXACT_TURNS else 1):
                loop.call_soon(loop.stop)
                loop.run_forever()
                if not loop._ready or any(task.done() for task in self.started.values()):
                    return
        finally:
            asyncio._set_running_loop(before)

    def end(self) -> None:
        """Ends the loop here as `asyncio.run` does."""
        import asyncio

        self.is_over = True
        loop, before = self.loop, asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        try:
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            loop.run_until_complete(_all_of(tasks))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
        finally:
            asyncio._set_running_loop(before)


class Loops:
    """The links of one process of a check."""

    def __init__(self, peer: Any) -> None:
        self.peer = peer
        self.links: dict[int, Link] = {}
        self.next_link, self.next_ticket = peer.heap.first, 0
        # The link in whose loop the other process is when it asks for something.
        self.inside: Link | None = None

    def here(self) -> Link | None:
        """The link of the loop that runs here, None where none does."""
        asyncio: Any = sys.modules.get("asyncio")
        loop = asyncio._get_running_loop() if asyncio is not None else None
        if loop is None:
            return None
        for link in self.links.values():
            if link.loop is loop:
                return link
        link = self._linked(self.next_link, loop, runs=True)
        self.next_link += 2
        close = loop.close

        def closed() -> None:
            if not link.is_over:
                link.is_over = True
                self._forget(link)
                self.peer.operate(".unlink", (link.number,), {})
            close()

        loop.close = closed
        return link

    def number_here(self) -> int | None:
        link = self.here()
        return None if link is None else link.number

    def counterpart(self, number: Any) -> Link:
        """The link of a number that the other process has given. Raises ValueError for anything else."""
        if type(number) is not int or number < 0:
            raise ValueError("not the number of a loop")
        if number not in self.links:
            if number % 2 == self.peer.heap.first or len(self.links) >= MAX_LINKS:
                raise ValueError("not a number of the other side's")
            import asyncio

            return self._linked(number, asyncio.new_event_loop(), runs=False)
        return self.links[number]

    def _linked(self, number: int, loop: Any, runs: bool) -> Link:
        link = self.links[number] = Link(number, loop, runs)
        return link

    def _forget(self, link: Link) -> None:
        self.links.pop(link.number, None)
        self.inside = None if self.inside is link else self.inside

    async def awaited(self, handle: Any) -> Any:
        """What an awaitable of the other process comes to."""
        link = self.here()
        if link is None:
            return await _Steps(self.peer.heap, handle)
        import asyncio

        ticket, self.next_ticket = self.next_ticket, self.next_ticket + 1
        future = link.awaited[ticket] = link.loop.create_future()
        self.ask(link, ".await", handle, ticket)
        while True:
            try:
                returned, value = await future
            except asyncio.CancelledError:
                if ticket not in link.awaited or link.is_over:
                    raise
                future = link.awaited[ticket] = link.loop.create_future()
                self.ask(link, ".cancel", ticket)
            except GeneratorExit:
                if link.awaited.pop(ticket, None) is not None and not link.is_over:
                    self.ask(link, ".cancel", ticket)
                raise
            else:
                if returned:
                    return value
                raise value

    def ask(self, link: Link, operation: str, *args: Any) -> None:
        """Has the other process do something in its loop; hears what has ended there."""
        ended, delay = self.peer.operate(operation, (*args, link.number), {})
        for ticket, returned, value in ended:
            self.hear(link, ticket, returned, value)
        self.later(link, delay)

    def hear(self, link: Link, ticket: int, returned: bool, value: Any) -> None:
        future = link.awaited.pop(ticket, None)
        if future is not None and not future.done():
            future.set_result((returned, self.peer.came_of_task(returned, value)))

    def later(self, link: Link, delay: float | None) -> None:
        """Has the loop of the other process take its turn in so many seconds."""
        if delay is None or not link.runs or link.is_over:
            return
        due = link.loop.time() + delay
        if link.due is not None and link.due <= due:
            return
        link.due = due

        def take() -> None:
            if link.due == due and not link.is_over:
                link.due = None
                self.ask(link, ".turn")

        if delay <= 0:
            link.loop.call_soon(take)
        else:
            link.loop.call_later(delay, take)

    def perform(self, operation: str, args: list[Any]) -> tuple[tuple[Ended, ...], float | None] | None:
        """Does one of `OPERATIONS` for the other process. Raises ValueError for what is none."""
        *rest, number = args
        link = self.counterpart(number)
        if operation == ".unlink":
            if link.runs:
                raise ValueError("not a loop of the other side's")
            self._forget(link)
            link.end()
            return None
        if operation == ".await":
            value, ticket = rest
            link.start(ticket, value)
            if link.runs:
                link.started[ticket].add_done_callback(lambda task: self._tell(link, ticket, task))
            return link.ended(), link.delay()
        if operation == ".cancel":
            (ticket,) = rest
            if ticket in link.started:
                link.started[ticket].cancel()
        elif operation == ".ended":
            self.hear(link, *rest)
        link.turn()
        return link.ended(), link.delay()

    def _tell(self, link: Link, ticket: int, task: asyncio.Task[Any]) -> None:
        if link.started.pop(ticket, None) is not None and not link.is_over:
            self.ask(link, ".ended", ticket, *_outcome(task))

    def enter(self, number: int | None) -> None:
        """What the other process asks for from now on it does in the loop of this link, or in none."""
        self.inside = None if number is None else self.counterpart(number)

    def within(self, run: Any) -> Any:
        """The value of `run`, for which the loop is running in which the other process is."""
        if self.inside is None:
            return run()
        import asyncio

        if asyncio._get_running_loop() is not None:
            return run()
        asyncio._set_running_loop(self.inside.loop)
        try:
            return run()
        finally:
            asyncio._set_running_loop(None)

    def due(self) -> list[Any] | None:
        """The number of the link in which the other process is, and its delay, where there is one."""
        delay = None if self.inside is None else self.inside.delay()
        return None if self.inside is None or delay is None else [self.inside.number, delay]

    def hear_due(self, number: Any, delay: Any) -> None:
        """The same from the other process. Raises ValueError for anything else."""
        if number not in self.links or type(delay) is not float:
            raise ValueError("not when a loop goes on")
        self.later(self.links[number], max(0.0, delay))


def _outcome(task: asyncio.Task[Any]) -> tuple[bool, Any]:
    import asyncio

    if task.cancelled():
        return False, asyncio.CancelledError()
    error = task.exception()
    return (True, task.result()) if error is None else (False, error)


def is_answer(value: Any) -> bool:
    """Whether this is what the other process answers to one of `OPERATIONS`."""
    if value is None:
        return True
    if type(value) is not tuple or len(value) != 2 or type(value[0]) is not tuple:
        return False
    ended, delay = value
    whole = all(
        type(one) is tuple and [*map(type, one[:2])] == [int, bool] and len(one) == 3 for one in ended
    )
    return whole and (delay is None or type(delay) is float)


async def _waiting(value: Any) -> Any:
    return await value


async def _all_of(tasks: set[asyncio.Task[Any]]) -> None:
    import asyncio

    await asyncio.gather(*tasks, return_exceptions=True)


class _Steps:
    """Drives a coroutine of the other process step by step, where no loop runs."""

    def __init__(self, heap: Any, handle: Any) -> None:
        self.heap, self.handle = heap, handle

    def __await__(self) -> Generator[Any, Any, Any]:
        from sandbox_image.objects import driven

        return (yield from driven(self.heap, self.handle))
