#!/usr/bin/python3 -IS
"""Greets on port 22 of its network namespace as an SSH server does, for as long as the process that started it runs."""

import os
import socket

parent = os.getppid()
listener = socket.create_server(("", 22))
listener.settimeout(0.05)
clients = []
while os.getppid() == parent:
    try:
        client, _ = listener.accept()
    except TimeoutError:
        continue
    clients.append(client)
    client.sendall(b"SSH-2.0-stand-in\r\n")
