# calls: f(1)
# outcome: value ['\0', '\ud800', '\u2028', '\x7f', '"\\']
# correct: NUL, a lone surrogate and separators of lines are characters of a result


def f(x):
    return ["\0", "\ud800", "\u2028", "\x7f", '"\\']
