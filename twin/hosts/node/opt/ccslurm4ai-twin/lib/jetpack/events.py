"""Scheduled events of this virtual machine: each waits for a script of its name, and goes on without one."""
import logging
import os
import subprocess
import time

from common import azure
from jetpack import HOME, config

INTERVAL = 3
VERSION = {"api-version": "2020-07-01"}


def watch():
    """Attends to events for ever, unless the node's configuration forbids it."""
    if str(config.get(config.load(), "cyclecloud.monitor_scheduled_events", True)).lower() == "false":
        return
    while True:
        try:
            own = azure.instance()["compute"]["name"]
            for event in azure.metadata("scheduledevents", **VERSION)["Events"]:
                if own in event["Resources"] and event["EventStatus"] == "Scheduled":
                    attend(event)
        except azure.AzureError as error:
            logging.info("scheduled events: %s", error)
        time.sleep(INTERVAL)


def attend(event):
    """Runs the script for an event; one that fails leaves the event to its time, and is run again meanwhile."""
    script = f"{HOME}/scripts/on{event['EventType']}.sh"
    if os.path.exists(script):
        logging.info("running %s", script)
        done = subprocess.run([script], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd="/")
        logging.info("%s ended with %d: %s", script, done.returncode, (done.stdout + done.stderr)[-2000:])
        if done.returncode != 0:
            return
    azure.metadata("scheduledevents", {"StartRequests": [{"EventId": event["EventId"]}]}, **VERSION)
