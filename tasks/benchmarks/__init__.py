"""Labelled problems: each benchmark is one module with its decoder, its limits and its comparison rules,
listed in `tasks.benchmarks.registry`.

starter        written for this project, shipped with it
mbpp           MBPP sanitized: dev and test, and train for self-play
mbpp-plus      MBPP+: 378 tasks of MBPP with many more inputs; test
humaneval      HumanEval; test
humaneval-plus HumanEval+: the same tasks with many more inputs; test
livecodebench  dated contest problems, functions and stdin programs; test
livecodebench-output  what a function returns for an input, without its code; test
"""
