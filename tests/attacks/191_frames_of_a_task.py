# check: import asyncio\nasync def main():\n    secret, task = 42, asyncio.current_task()\n    assert await f(task) == secret\nasyncio.run(main())
# outcome: boundary any
# correct: the same by the frames of a task


async def f(task):
    return task.get_stack()[0].f_locals["secret"]
