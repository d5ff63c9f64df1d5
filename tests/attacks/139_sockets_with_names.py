# calls: f(1)
# outcome: value ['PermissionError', 'PermissionError', b'x']
# correct: no socket gets a name or an address to send to; a pair speaks to itself alone

import socket


def f(x):
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    a.setsockopt(socket.SOL_SOCKET, 16, 1)  # SO_PASSCRED: whoever sends is bound to a name
    seen = []
    for attempt in (lambda: a.sendto(b"x", "\0somebody"), lambda: a.sendmsg([b"x"], [], 0, "\0somebody")):
        try:
            seen.append(attempt())
        except OSError as error:
            seen.append(type(error).__name__)
    a.send(b"x")
    return [*seen, b.recv(1)]
