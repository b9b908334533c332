"""Counts the programs that a process and its descendants start, by name, until the standard input ends (proc connector)."""

import collections
import json
import os
import select
import socket
import struct
import sys

NETLINK_CONNECTOR, CN_IDX_PROC, CN_VAL_PROC = 11, 1, 1
LISTEN, FORK, EXEC, EXIT = 1, 1, 2, 0x80000000  # of linux/cn_proc.h

netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR)
netlink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
netlink.bind((os.getpid(), CN_IDX_PROC))
order = struct.pack("IIIIHHI", CN_IDX_PROC, CN_VAL_PROC, 0, 0, 4, 0, LISTEN)
netlink.send(struct.pack("IHHII", 16 + len(order), 3, 0, 0, os.getpid()) + order)
print("ready", flush=True)
family = {int(sys.argv[1])}
names = collections.Counter()
while sys.stdin not in (ready := select.select([netlink, sys.stdin], [], [])[0]):
    event = netlink.recv(4096)[36:]
    what, _, _ = struct.unpack_from("IIQ", event)
    thread, process, _, child = struct.unpack_from("IIII", event.ljust(32, b"\0"), 16)
    if process not in family:
        continue
    if what == FORK:
        family.add(child)
    elif what == EXIT and thread == process:  # the kernel gives the number to somebody else
        family.discard(process)
    elif what == EXEC:
        try:
            with open(f"/proc/{process}/comm") as file:
                names[file.read().strip()] += 1
        except OSError:
            names["?"] += 1
print(json.dumps(names))
