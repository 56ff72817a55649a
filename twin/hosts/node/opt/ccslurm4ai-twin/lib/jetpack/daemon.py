"""The agent: joins the cluster, sets the node up, then listens to the server for new users and another try."""
import logging
import threading
import time

from common import azure
from jetpack import config, converge, events, server, users

INTERVAL = 5


def main():
    azure.host_environment()
    converge.open_log()
    state = converge.join()
    threading.Thread(target=events.watch, daemon=True).start()
    converge.converge()
    while True:
        time.sleep(INTERVAL)
        try:
            state = attend(state, server.call(state["webServer"], "poll", state["accessKey"], {"nodeId": state["nodeId"]}))
        except OSError as error:
            logging.info("the server does not answer: %s", error)


def attend(state, told):
    """Acts on what is new; the state that is known from now on."""
    if told["retries"] != state["retries"]:
        state = converge.join()
        server.report(state, "preparing", "", logging.info)
        converge.converge()
    elif told["users"] != state["users"]:
        logging.info("users have changed")
        users.apply(told["users"])
        state = {**state, "users": told["users"]}
        config.save(config.load(), state)
    return state
