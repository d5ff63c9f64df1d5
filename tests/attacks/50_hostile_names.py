# calls: f(1); f(2); f(3)
# outcome: exception any; opaque any; no_result | exception any
# correct: names of types are data, of bounded length and printable


class Meta(type):
    @property
    def __name__(cls):
        raise SystemExit


def f(x):
    if x == 1:
        raise type("\ud800" * 5000, (Exception,), {})
    if x == 2:
        return Meta("Odd", (), {})()
    raise type("", (Exception,), {})
