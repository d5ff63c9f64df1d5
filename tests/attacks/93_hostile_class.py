# calls: f(1); f(2)
# outcome: opaque Liar; opaque any
# correct: what an object or its metaclass says of its class counts nothing


class Meta(type):
    def __instancecheck__(cls, instance):
        return True

    def __eq__(cls, other):
        return True

    def __hash__(cls):
        return hash(int)


class Liar:
    __class__ = int

    def __eq__(self, other):
        return True


def f(x):
    return Liar() if x == 1 else Meta("int", (int,), {})(2)
