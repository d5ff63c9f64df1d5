# check: import asyncio\nasync def cb():\n    return await f(cb)\nassert asyncio.run(f(cb)) == 2
# outcome: boundary any | exception RecursionError | timeout any | memory any
# correct: who awaits whom by turns is bounded in depth


async def f(cb):
    return await cb()
