# check: import asyncio\nassert asyncio.run(f(1)) == 2
# outcome: timeout wall
# correct: who waits for ever is out of time

import asyncio


async def f(x):
    await asyncio.Event().wait()
    return 2
