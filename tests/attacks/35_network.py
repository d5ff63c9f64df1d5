# calls: f(1)
# outcome: value ['OSError', 'OSError', 'OSError']
# correct: no network, no local servers, no unusual families

import socket


def f(x):
    seen = []
    for family, address in ((socket.AF_INET, ("1.1.1.1", 53)), (socket.AF_UNIX, "\0name"), (40, (2, 1024))):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                sock.connect(address)
            seen.append("connected")
        except OSError:
            seen.append("OSError")
    return seen
