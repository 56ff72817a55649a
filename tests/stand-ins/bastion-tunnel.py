#!/usr/bin/env python3
"""Plays `az network bastion tunnel` as azure-cli's bastion extension does, with messages and --port 0.

TUNNEL_TO     the local port it leads to
TUNNEL_MODE   relay (default), silent, error, login, taken-once, refused-once, reset-once, dies-once
TUNNEL_NOTES  a folder: `args` gets a line for each start, `pids` those of this process and of its child
"""

import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading

notes = pathlib.Path(os.environ["TUNNEL_NOTES"])
mode = os.environ.get("TUNNEL_MODE", "relay")


def first_time(name):
    try:
        (notes / name).touch(exist_ok=False)
        return True
    except FileExistsError:
        return False


def note(name, text):
    with open(notes / name, "a") as file:
        file.write(f"{text}\n")


def pump(source, target):
    try:
        while data := source.recv(4096):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, number):
    if mode == "silent":
        return
    if mode == "refused-once" and first_time("refused"):
        os._exit(1)
    if mode == "reset-once" and first_time("reset"):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        return
    if mode == "dies-once" and number == 2 and first_time("died"):
        os._exit(1)
    server = socket.create_connection(("127.0.0.1", int(os.environ["TUNNEL_TO"])))
    for ends in ((client, server), (server, client)):
        threading.Thread(target=pump, args=ends, daemon=True).start()


def main():
    note("args", " ".join(sys.argv[1:]))
    note("pids", os.getpid())
    if mode == "error":
        sys.exit("WARNING: a notice\nERROR: Bastion Host SKU must be Standard or Premium")
    if mode == "login":
        sys.exit("ERROR: Please run 'az login' to setup account.")
    if mode == "taken-once" and first_time("taken"):
        sys.exit("ERROR: Defined port is currently unavailable")
    child = subprocess.Popen(["sleep", "300"])
    note("pids", child.pid)
    listener = socket.create_server(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])))
    port = listener.getsockname()[1]
    for line in (f"Opening tunnel on port: {port}", f"Tunnel is ready, connect on port {port}"):
        print(f"WARNING: {line}", file=sys.stderr, flush=True)
    clients = []
    while True:
        client, _ = listener.accept()
        clients.append(client)
        serve(client, len(clients))


if __name__ == "__main__":
    main()
