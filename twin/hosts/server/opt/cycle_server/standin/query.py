"""`cycle_server execute`: the part of CycleCloud's query language that installers use."""
import csv
import io
import json
import re

from common import Refused
from standin import expressions
from standin.expressions import UNDEFINED

SELECT = re.compile(r"^\s*select\s+(?P<columns>.+?)\s+from\s+(?P<kind>[\w.]+)"
                    r"(?:\s+where\s+(?P<where>.+?))?"
                    r"(?:\s+order\s+by\s+(?P<order>[\w.]+)(?P<down>\s+desc)?(?:\s+asc)?)?"
                    r"(?:\s+limit\s+(?P<limit>\d+))?\s*$", re.I | re.S)
UPDATE = re.compile(r"^\s*update\s+(?P<kind>[\w.]+)\s+set\s+(?P<name>\w+)\s*=(?!=)\s*(?P<value>.+?)"
                    r"\s+where\s+(?P<where>.+?)\s*$", re.I | re.S)
SECRET = {"Password", "AccessKey"}


def execute(store, statement, layout):
    """Runs one statement and returns what it prints."""
    select = SELECT.match(statement)
    if select:
        return render(rows(store, select), layout)
    update = UPDATE.match(statement)
    if not update:
        raise Refused(f"cannot parse query: {statement}")
    value = expressions.evaluate(expressions.parse(update["value"]), lambda _: UNDEFINED)
    for record in filtered(store.all(update["kind"]), update["where"]):
        record[update["name"]] = None if value is UNDEFINED else value
        store.put(update["kind"], record)
    return ""


def rows(store, select):
    found = filtered(store.all(select["kind"]), select["where"])
    if select["order"]:
        found.sort(key=lambda row: str(lookup(row)(select["order"])), reverse=bool(select["down"]))
    if select["limit"]:
        found = found[: int(select["limit"])]
    if select["columns"].strip() == "*":
        return [{k: v for k, v in row.items() if k not in SECRET and v is not None} for row in found]
    columns = [column.strip() for column in select["columns"].split(",")]
    for column in columns:
        if not re.fullmatch(r"\w+", column) or column in SECRET:
            raise Refused(f"cannot select {column}")
    values = [{column: lookup(row)(column) for column in columns} for row in found]
    return [{k: v for k, v in row.items() if v is not UNDEFINED} for row in values]


def filtered(records, condition):
    """Records for which the condition is true."""
    if not condition:
        return records
    tree = expressions.parse(condition)
    return [record for record in records if expressions.evaluate(tree, lookup(record)) is True]


def lookup(record):
    """Names of a record's values, whatever their case."""
    lower = {name.lower(): value for name, value in record.items() if value is not None}
    return lambda name: lower.get(name.lower(), UNDEFINED)


def render(found, layout):
    if layout == "json":
        return json.dumps(found, indent=2) + "\n"
    if layout == "csv":
        columns = list(dict.fromkeys(column for row in found for column in row))
        output = io.StringIO()
        writer = csv.DictWriter(output, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
        return output.getvalue() if columns else ""
    if layout != "text":
        raise Refused(f"format {layout} is not known")
    return "".join("".join(f"{name} = {shown(value)}\n" for name, value in row.items()) + "\n" for row in found)


def shown(value):
    """A value as CycleCloud writes it in text."""
    if isinstance(value, list):
        return "{" + ", ".join(shown(part) for part in value) + "}"
    return json.dumps(value)
