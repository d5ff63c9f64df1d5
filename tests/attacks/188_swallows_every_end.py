# check: import asyncio\nassert asyncio.run(asyncio.wait_for(f(1), 0.01)) == 2
# outcome: timeout cpu | timeout wall | boundary any
# correct: a coroutine that takes no end is ended with its process

import asyncio


async def f(x):
    while True:
        try:
            await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            pass
