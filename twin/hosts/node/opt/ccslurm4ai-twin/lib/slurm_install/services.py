"""`services ROLE`: the delayed start, in the platform's order: munge, then slurmdbd, then slurmctld, or slurmd."""
import os
import subprocess
import sys
import time

from slurm_install import LOG, Settings

STEP = 0.2
MUNGE, DATABASE, CONTROLLER = 60, 3600, 60  # seconds that each may take to answer


def main():
    settings = Settings(sys.argv[1])
    start("munge")
    await_answer("munge", MUNGE, "munge", "-n")
    if settings.role == "execute":
        start("slurmd")
    if settings.role != "scheduler":
        return
    if settings.true("slurm.accounting.enabled"):
        start("slurmdbd")
        await_answer("slurmdbd", DATABASE, "sacctmgr", "ping")
    start("slurmctld")
    await_answer("slurmctld", CONTROLLER, "scontrol", "ping")
    start("azslurmd")
    say("Successfully started all relevant slurm services")


def start(service):
    say(f"starting {service}")
    subprocess.run(["systemctl", "restart" if service == "munge" else "start", service], check=True, timeout=120)


def await_answer(service, patience, *probe):
    """Waits until a service answers; it gets started again by systemd meanwhile."""
    end = time.monotonic() + patience
    while subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60).returncode != 0:
        if time.monotonic() > end:
            sys.exit(f"FATAL: {service} does not answer after {patience} s")
        time.sleep(STEP)


def say(text):
    with open(LOG, "a", encoding="utf-8") as log:
        log.write(f"{text}\n")
    print(text, flush=True)


if __name__ == "__main__":
    os.umask(0o022)
    main()
