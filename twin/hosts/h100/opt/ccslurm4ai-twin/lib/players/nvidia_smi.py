"""nvidia-smi, as far as -L, -q and --query-gpu go."""
import argparse
import csv
import glob
import re
import sys

from players import own_flaws, recorded

MASKED = "GPU-00000000-0000-0000-0000-000000000000"
BUS = "00000000:00:09.0"
QUERY = "nvidia-smi-query-gpu-all-h100-590-healthy-idle.csv"


def uuid(gpu):
    return f"GPU-00000000-0000-0000-0000-{gpu:012d}"


def bus(gpu):
    return f"{gpu + 1:08X}:00:00.0"


def listed(gpus):
    line = recorded("nvidia-smi-L-h100-590-healthy.txt").strip()
    for gpu in range(gpus):
        print(line.replace("GPU 0", f"GPU {gpu}").replace(MASKED, uuid(gpu)))


def described(gpus):
    head, block = recorded("nvidia-smi-q-h100-590-healthy-idle.txt").split(f"GPU {BUS}", 1)
    print(re.sub(r"(Attached GPUs +: )\d+", rf"\g<1>{gpus}", head), end="")
    for gpu in range(gpus):
        own = re.sub(r"(Minor Number +: )\d+", rf"\g<1>{gpu}", f"GPU {BUS}{block}")
        print(own.replace(BUS, bus(gpu)).replace(MASKED, uuid(gpu)), end="")


def queried(gpus, fields, layout):
    """The fields that are asked for, of every GPU."""
    names, values = csv.reader(recorded(QUERY).splitlines(), skipinitialspace=True)
    at = {name.split(" [")[0]: number for number, name in enumerate(names)}
    unknown = [field for field in fields if field not in at]
    if unknown:
        print(f'Field "{unknown[0]}" is not a valid field to query.\n')
        sys.exit(2)
    if "noheader" not in layout:
        print(", ".join(names[at[field]] for field in fields))
    for gpu in range(gpus):
        own = {"index": str(gpu), "uuid": uuid(gpu), "pci.bus_id": bus(gpu), "count": str(gpus)}
        shown = [own.get(field, values[at[field]]) for field in fields]
        bare = lambda value: re.sub(r"^([\d.]+) \S+$", r"\1", value) if "nounits" in layout else value
        print(", ".join(bare(value) for value in shown))


def main():
    parser = argparse.ArgumentParser(prog="nvidia-smi", allow_abbrev=False)
    parser.add_argument("-L", "--list-gpus", action="store_true", dest="listed")
    parser.add_argument("-q", "--query", action="store_true", dest="described")
    parser.add_argument("--query-gpu", type=lambda text: [field.strip() for field in text.split(",")])
    parser.add_argument("--format", type=lambda text: text.replace(" ", "").split(","), default=[])
    arguments = parser.parse_args()
    gpus = own_flaws().get("gpus", len(glob.glob("/dev/nvidia[0-9]*")))
    if arguments.listed:
        listed(gpus)
    elif arguments.query_gpu:
        if "csv" not in arguments.format:
            sys.exit('"--format=" switch is missing. Please run "nvidia-smi --help-query-gpu" for help.')
        queried(gpus, arguments.query_gpu, arguments.format)
    elif arguments.described:
        described(gpus)
    else:
        parser.error("the twin plays -L, -q and --query-gpu")
