# calls: f(65536); f(2**20 - 65536); f(1); f(2)
# outcome: value 65536; value 983040; output_limit; value 2
# correct: 64 KiB and 1 MiB in all are allowed, one byte more is not


def f(x):
    print("x" * x, end="", flush=True)
    return x
