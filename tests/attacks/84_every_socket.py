# calls: f(1)
# outcome: value [[], 'OSError', 'OSError']
# correct: packets, netlink, vsock, all families are refused; nothing but pairs can be made

import socket


def f(x):
    made = set()
    for family in range(64):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            try:
                socket.socket(family, kind).close()
                made.add(family)
            except OSError:
                pass
    seen = [sorted(made)]
    for name in ("bind", "connect"):
        try:
            getattr(socket.socket(socket.AF_UNIX), name)("\0flywheel")
            seen.append(name)
        except OSError:
            seen.append("OSError")
    return seen
