# check: import asyncio\nasync def cb():\n    await asyncio.sleep(0)\nassert asyncio.run(f(cb)) == 2
# outcome: timeout cpu | memory any | boundary any
# correct: tasks of the test's that the solution begins are bounded as calls back are

import asyncio


async def f(cb):
    while True:
        await asyncio.gather(*(cb() for _ in range(1000)))
