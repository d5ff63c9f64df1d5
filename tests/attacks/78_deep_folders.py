# calls: f(1)
# outcome: value 'left'
# correct: 1,000 folders deep, where no path reaches, is wiped

import os


def f(x):
    for n in range(1000):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    return "left"
