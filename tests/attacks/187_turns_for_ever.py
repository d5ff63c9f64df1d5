# check: import asyncio\nassert asyncio.run(f(1)) == 2
# outcome: timeout cpu | boundary any
# correct: turns of a loop cost time, and are bounded in number

import asyncio


async def f(x):
    while True:
        await asyncio.sleep(0)
