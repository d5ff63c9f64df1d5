# check: import asyncio\nasync def main():\n    def cb():\n        return asyncio.run(f(cb))\n    return await f(cb)\nassert asyncio.run(main()) == 2
# outcome: exception RuntimeError
# correct: a loop that runs does not run again inside of itself


async def f(cb):
    return cb()
