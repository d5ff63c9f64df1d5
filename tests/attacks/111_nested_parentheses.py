# calls: f(1)
# build: source + "(" * 100_000 + ")" * 100_000
# outcome: exception SyntaxError | memory
# correct: nesting ends at the tokenizer's or the parser's limit


def f(x):
    return x
