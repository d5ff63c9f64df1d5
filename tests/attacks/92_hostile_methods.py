# calls: f(1)
# outcome: opaque Trap
# correct: no method of a result ever runs

import os


def trap(*args, **kwargs):
    os._exit(0)


class Trap:
    __eq__ = __hash__ = __repr__ = __str__ = __reduce__ = __reduce_ex__ = __getattribute__ = trap
    __iter__ = __len__ = __bool__ = __getitem__ = __index__ = __float__ = __dir__ = __del__ = trap
    __class__ = property(trap)
    __dict__ = property(trap)


def f(x):
    return Trap()
