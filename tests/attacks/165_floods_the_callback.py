# check: seen = []\nassert f(lambda: None) == 1
# outcome: timeout cpu | boundary any
# correct: calls back are bounded in number


def f(cb):
    while True:
        cb()
