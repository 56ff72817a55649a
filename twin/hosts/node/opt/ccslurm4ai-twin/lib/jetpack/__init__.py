"""Stand-in for Jetpack, CycleCloud's agent on a node: joins its cluster, makes mounts and users, runs the specs."""

HOME = "/opt/cycle/jetpack"
NODE_JSON = f"{HOME}/config/node.json"
LOGS = f"{HOME}/logs"
BOOTSTRAP = f"{HOME}/system/bootstrap"
STATE = f"{HOME}/run/agent.json"
CLUSTER_INIT = "/mnt/cluster-init"


class ConvergeError(Exception):
    """The node cannot be set up; its text is what the server shows of it."""
