# check: import asyncio\nasync def main():\n    return await f(1)\nassert asyncio.run(main()) == 2
# outcome: exception TypeError | exception RuntimeError
# correct: what is awaited and yields what is no future fails, as in one process


class Liar:
    def __await__(self):
        while True:
            yield 2

    __class__ = int


def f(x):
    return Liar()
