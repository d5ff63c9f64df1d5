# calls: f(240)
# outcome: exception PermissionError
# correct: no descriptor can be sent: files between two sockets stay in memory after their program's end

import array
import os
import socket


def send(sock, fds):
    sock.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])


def f(megabytes):
    a, b = socket.socketpair()
    send(a, [a.fileno(), b.fileno()])
    for _ in range(0, megabytes, 7):
        fd = os.memfd_create("x")
        os.write(fd, b"\1" * (7 << 20))
        send(a, [fd])
        os.close(fd)
    return megabytes
