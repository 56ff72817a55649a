"""What the server does in the background: imports, lockers, machine types."""
import logging
import os
import pwd
import threading
import time

from common import Refused, azure
from standin.store import import_records

DATA = "/opt/cycle_server/config/data"
LOCKER_PATIENCE = 60


def watch_data_folder(store):
    """Takes in files dropped into the data folder, for ever."""
    while True:
        for name in sorted(os.listdir(DATA)):
            if name.endswith((".json", ".txt")) and not name.startswith("."):
                import_file(store, os.path.join(DATA, name))
        time.sleep(1)


def import_file(store, path):
    """Imports one file and renames it: `.imported`, or `.failed` with the reason in the log."""
    state = os.stat(path)
    if state.st_uid != pwd.getpwnam("cycle_server").pw_uid and not state.st_mode & 0o004:
        logging.error("%s: cannot be read by cycle_server", path)
        return
    try:
        with open(path, encoding="utf-8") as file:
            count = import_records(store, path, file.read())
    except (Refused, UnicodeDecodeError) as error:
        logging.error("%s: %s", path, error)
        os.rename(path, path + ".failed")
        return
    logging.info("%s: imported %d records", path, count)
    os.rename(path, path + ".imported")


def create_locker(store, name):
    """Starts checking an account's locker; its record tells how it goes."""
    store.put("Cloud.Locker", {"Name": name, "State": "Creating", "Message": None})
    threading.Thread(target=probe_locker, args=(store, name), daemon=True).start()


def probe_locker(store, name):
    """Whether the server's identity can write there. A new right may not have arrived, so this goes on for a minute;
    after that only the action Retry:Cloud.Locker tries again."""
    locker = store.one("Cloud.Locker", Name=name)
    blob = f"{locker['Container']}/cyclecloud-probe"
    end = time.monotonic() + LOCKER_PATIENCE
    while True:
        try:
            azure.blob("PUT", locker["StorageAccount"], blob, b"probe", {"x-ms-blob-type": "BlockBlob"})
            azure.blob("DELETE", locker["StorageAccount"], blob)
            break
        except azure.AzureError as error:
            if time.monotonic() > end:
                logging.error("locker %s: %s", name, error)
                store.put("Cloud.Locker", {"Name": name, "State": "Failed", "Message": str(error)})
                return
            time.sleep(3)
    store.put("Cloud.Locker", {"Name": name, "State": "Created", "Message": None})


def load_machine_types(store):
    """The timer plugin.azure.monitor_reference: sizes of every account's region, read at its subscription."""
    for account in store.all("Cloud.Account"):
        region, subscription = account["Location"], account["AzureRMSubscriptionId"]
        path = f"/subscriptions/{subscription}/providers/Microsoft.Compute/skus?$filter=location%20eq%20'{region}'"
        try:
            found = azure.arm("GET", path, "2021-07-01")["value"]
        except azure.AzureError as error:
            logging.error("machine types of %s: %s", region, error)
            continue
        sizes = [{"Name": sku["name"], "Location": region, **hardware(sku)} for sku in found
                 if sku["resourceType"] == "virtualMachines"]
        store.put_all("Azure.MachineType", sizes)
        store.put_all("Cloud.MachineType", [{"Name": size["Name"]} for size in sizes])
        logging.info("loaded %d machine types of %s", len(sizes), region)


def hardware(sku):
    """What Azure tells of a size, under the names that the status of a cluster has."""
    told = {capability["name"]: capability["value"] for capability in sku.get("capabilities", [])}
    cpus = int(told.get("vCPUs", 1))
    return {"vcpuCount": cpus, "pcpuCount": cpus // int(told.get("vCPUsPerCore", 1)), "gpuCount": int(told.get("GPUs", 0)),
            "memory": float(told.get("MemoryGB", 1)), "infiniband": told.get("RdmaEnabled") == "True"}
