# check: assert f(5000) == 5
# outcome: no_result any | exception | boundary any | output_limit any
# correct: classes that a message brings are bounded in number


def f(x):
    return [type(f"C{i}", (), {})() for i in range(x)]
