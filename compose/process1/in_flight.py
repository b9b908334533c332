"""Which requests are in flight, as the kernel shows it. In Python, since the image has no other tool for sure."""

import socket
import struct
import time

PAUSE = 0.1  # seconds between two looks
STREAMING = 500  # milliseconds: what was sent so lately may be a part of an answer


def finish_requests(port, end, hurry):
    """Waits until two looks in a row see no request in flight: HAProxy may just be sending its last one."""
    free = 0
    while free < 2 and time.monotonic() < end and not hurry.wait(PAUSE):
        free = 0 if any(in_flight(family, port) for family in (socket.AF_INET, socket.AF_INET6)) else free + 1


def in_flight(family, port):
    """Whether a connection to the port has a request in flight, by the kernel's own times (sock_diag(7), tcp_info).

    HAProxy keeps idle connections. In one with a request, the last data came from HAProxy, or an answer is being sent.
    What is silent in between, such as a WebSocket, looks idle: that is left to the application's own end.
    """
    dump, request, established, info = 0x300, 0x1, 1 << 1, 1 << 1
    question = struct.pack("=IHHII", 72, 20, dump | request, 1, 0)
    question += struct.pack("=BBBxI", family, socket.IPPROTO_TCP, info, established) + bytes(48)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as kernel:
            kernel.settimeout(1)
            kernel.send(question)
            while True:
                for kind, told in parts(kernel.recv(1 << 17), "=IH", 16):
                    if kind != 20:
                        return False  # the end, or an error
                    if struct.unpack_from(">H", told, 4)[0] == port and is_busy(told):
                        return True
    except OSError:
        return False  # a kernel without it


def is_busy(told):
    unsent = struct.unpack_from("=I", told, 60)[0]
    for kind, value in parts(told[72:], "=HH", 4):
        if kind == 2:
            sent, received = struct.unpack_from("=I4xI", value, 44)  # milliseconds ago
            pieces_in, pieces_out = struct.unpack_from("=II", value, 152)
            unanswered = received < sent or pieces_in > 0 == pieces_out
            return unanswered or unsent > 0 or sent < STREAMING
    return False


def parts(data, head, size):
    """Kind and content of each part of a netlink message: its length and kind come first."""
    while len(data) >= size:
        first, second = struct.unpack_from(head, data)
        length = max(first, size)
        yield second, data[size:length]
        data = data[(length + 3) & ~3 :]
