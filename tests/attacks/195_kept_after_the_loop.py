# check: import asyncio\ncalls = []\nasync def cb():\n    calls.append(1)\nassert asyncio.run(f(cb)) == 1\nassert calls == [] and g() == 0
# outcome: value None
# correct: with the loop end the tasks that were left in it

import asyncio

KEPT = []


async def later(cb):
    await asyncio.sleep(0.05)
    await cb()


async def f(cb):
    KEPT.append(asyncio.ensure_future(later(cb)))
    return 1


def g():
    return int(not KEPT[0].done())
