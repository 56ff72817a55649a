"""`locker`: the storage that nodes read from is usable. `machine-types`: CycleCloud knows the VM sizes we need."""

import sys
import time

from base import CYCLE_SERVER, Problem, answer, run, select, wait_until


def locker(want):
    """Waits for the locker; asks for another attempt at most every two minutes, since each one starts over."""
    name, asked, rows = want["name"], [], []
    last = time.monotonic()

    def created():
        nonlocal last, rows
        rows = select(f'select * from Cloud.Locker where Name == "{name}"')
        if any(row.get("State") == "Created" for row in rows):
            return True
        if time.monotonic() - last >= 120:
            run(CYCLE_SERVER, "run_action", "Retry:Cloud.Locker", "-f", f'Name=="{name}"')
            asked.append(name)
            last = time.monotonic()
        return False

    if not wait_until(created, want["patience"], pause=5):
        raise Problem(
            f"locker {name} was not created within {want['patience']} s{said_of(rows)}; check that the server's "
            "identity is Storage Blob Data Contributor on the locker account, and that its endpoint resolves here"
        )
    return {"changed": bool(asked)}


def said_of(rows):
    """What CycleCloud notes about a locker that is not there yet."""
    notes = [str(value) for row in rows for key, value in row.items() if key == "State" or key.endswith("Message")]
    return f" ({': '.join(notes)[:200]})" if notes else ""


def machine_types(want):
    """Waits for the sizes; has CycleCloud load them now instead of at its next round."""
    started = []

    def missing():
        rows = select(f'select Name from Azure.MachineType where Location == "{want["region"]}"')
        return sorted(set(want["sizes"]) - {row["Name"] for row in rows})

    def present():
        if not missing():
            return True
        # The right to read sizes may arrive late; the timer is started again after that.
        if not started or time.monotonic() - started[-1] >= 120:
            run(CYCLE_SERVER, "run_action", "Run:Application.Timer", "-eq", "Name", "plugin.azure.monitor_reference")
            started.append(time.monotonic())
        return False

    if not wait_until(present, want["patience"], pause=5):
        raise Problem(
            f"CycleCloud has no machine types {', '.join(missing())} for {want['region']} after {want['patience']} s; "
            "the server's identity needs the role Reader on the subscription"
        )
    return {"changed": bool(started)}


if __name__ == "__main__":
    answer({"locker": locker, "machine-types": machine_types}[sys.argv[1]])
