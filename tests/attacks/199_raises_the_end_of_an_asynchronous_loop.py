# check: import asyncio\nasync def main():\n    seen = []\n    async for x in f(3):\n        seen.append(x)\n    assert seen == [0, 1, 2]\nasyncio.run(main())
# outcome: exception AssertionError
# correct: an end that comes too early is seen


class Walk:
    def __init__(self, n):
        self.n = n

    def __aiter__(self):
        return self

    async def __anext__(self):
        raise StopAsyncIteration


def f(n):
    return Walk(n)
