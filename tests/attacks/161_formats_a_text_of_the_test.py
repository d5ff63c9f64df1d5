# check: class Text(str): pass\nsecret = 42\ndef cb(): pass\nassert f(Text('{0.__globals__}'), cb) == '42'
# outcome: boundary any
# correct: a text of the test's formats nothing for the solution


def f(text, cb):
    return text.format(cb)
