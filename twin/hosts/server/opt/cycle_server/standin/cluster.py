"""A cluster: a section of a template file together with the values of its parameters.

`Cluster(...)` reads and checks both; Refused says what CycleCloud would not take.
"""
import re

from common import Refused
from standin import expressions, template
from standin.expressions import UNDEFINED

# Projects that a CycleCloud 8.9 server carries itself, with their specs and versions.
BUILT_IN = {"slurm": {"default", "scheduler", "login", "execute"}, "healthagent": {"default"},
            "monitoring": {"default"}}
BUILT_IN_VERSIONS = {"slurm": "4.0.9", "healthagent": "2.0.2", "monitoring": "1.0.7"}
SUBNET = re.compile(r"^[^/\s]+/[^/\s]+/[^/\s]+$|^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/"
                    r"Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+$", re.I)
SPEC = re.compile(r"^(?:(?P<locker>[\w.-]+)/)?(?P<project>[\w.-]+):(?P<spec>[\w.-]+)(?::(?P<version>[\w.-]+))?$")
URN = re.compile(r"^[\w.-]+:[\w.-]+:[\w.-]+:[\w.-]+$")
MUST_HAVE = ("MachineType", "ImageName", "SubnetId", "Credentials", "Region")


class Cluster:
    """The parsed cluster. `nodes` and `arrays` map names to resolved `Node`s; abstract ones are left out."""

    def __init__(self, text, wanted, name, given):
        root = template.parse(text)
        found = [s for s in root.sections if s.kind == "cluster" and s.name.lower() == wanted.lower()]
        if not found:
            known = ", ".join(s.name for s in root.sections if s.kind == "cluster") or "none"
            raise Refused(f"Cluster {wanted} is not in the template file (clusters there: {known})")
        self.name, self.section = name, found[0]
        self.parameters = {p.name: p for p in root.all("parameter")}
        self.values = self.parameter_values(given)
        self.check_references()
        sections = {s.name.lower(): s for s in self.section.sections if s.kind in ("node", "nodearray")}
        self.nodes, self.arrays = {}, {}
        for section in sections.values():
            node = Node(self, section, sections)
            if section.name.lower() != "defaults" and plain(section, "Abstract") is not True:
                (self.nodes if section.kind == "node" else self.arrays)[section.name] = node

    def parameter_values(self, given):
        """What was given, else the defaults; UNDEFINED where there is neither."""
        known = {name.lower(): name for name in self.parameters}
        for name in given:
            if name.lower() not in known:
                raise Refused(f"Parameter {name} is not known: the template does not define it")
        lower = {name.lower(): value for name, value in given.items()}
        values = {}
        for name, section in self.parameters.items():
            value = lower.get(name.lower())
            if value is None:
                value = plain(section, "DefaultValue")
            if value in (UNDEFINED, None, "") and plain(section, "Required") is True:
                raise Refused(f"Parameter {name} is required but has no value")
            check_kind(name, plain(section, "ParameterType"), value)
            values[name.lower()] = UNDEFINED if value is None else value
        return values

    def lookup(self, name):
        if name.lower() == "clustername":
            return self.name
        return self.values.get(name.lower(), UNDEFINED)

    def check_references(self):
        known = set(self.values) | {"clustername"}
        for section in [self.section, *self.section.all(*template.PARENTS)]:
            if section.kind == "parameter":
                continue
            for operator, source in section.attributes.values():
                for name in sorted(template.references(operator, source)):
                    if name.lower() not in known:
                        raise Refused(f"Parameter {name} is not known (referenced by {template.title(section)})")

    def exported(self):
        """Every parameter with its value, as `export_parameters` prints them."""
        return {name: None if self.values[name.lower()] is UNDEFINED else self.values[name.lower()]
                for name in self.parameters}


class Node:
    """A node or nodearray with everything it inherits: from `defaults`, from what it extends, and its own."""

    def __init__(self, cluster, section, sections):
        self.cluster, self.name, self.is_array = cluster, section.name, section.kind == "nodearray"
        self.chain = []
        if section.name.lower() != "defaults" and "defaults" in sections:
            self.chain.append(sections["defaults"])
        self.chain += extended(section, sections)

    def get(self, name):
        """The value of an attribute; UNDEFINED without it."""
        for section in reversed(self.chain):
            for known, (operator, source) in section.attributes.items():
                if known.lower() == name.lower():
                    return template.value(operator, source, self.cluster.lookup)
        return UNDEFINED

    def prefixed(self, prefix):
        """Attributes such as `Tags.Name`, without their prefix, and those of a map called `Tags`."""
        found = {}
        for section in self.chain:
            for known, (operator, source) in section.attributes.items():
                value = template.value(operator, source, self.cluster.lookup)
                if known.lower() == prefix.lower() and isinstance(value, dict):
                    found.update(value)
                elif known.lower().startswith(prefix.lower() + ".") and value is not UNDEFINED:
                    found[known[len(prefix) + 1:]] = value
        return found

    def configuration(self):
        """Its `[[[configuration]]]` sections as nested records; later ones win, and an undefined value unsets."""
        found = {}
        for section in (s for parent in self.chain for s in parent.sections if s.kind == "configuration"):
            for known, (operator, source) in section.attributes.items():
                path = [part for part in (section.name, known) if part]
                value = template.value(operator, source, self.cluster.lookup)
                put_nested(found, ".".join(path).split("."), value)
        return found

    def volume(self, name):
        """A `[[[volume]]]` with its attributes; later ones win."""
        found = {}
        for section in (s for parent in self.chain for s in parent.sections if (s.kind, s.name) == ("volume", name)):
            for known, (operator, source) in section.attributes.items():
                found[known.lower()] = template.value(operator, source, self.cluster.lookup)
        return {known: value for known, value in found.items() if value not in (UNDEFINED, "")}

    def specs(self):
        """Its cluster-init specs in order, without repetition, as (locker, project, spec, version)."""
        found = [s.name for section in self.chain for s in section.sections if s.kind == "cluster-init"]
        additional = self.get("AdditionalClusterInitSpecs")
        if isinstance(additional, dict):
            found += sorted(additional, key=lambda name: additional[name].get("Order", 0))
        return [split_spec(name, self.name) for name in dict.fromkeys(found)]

    def check(self, known):
        """Refuses what the server cannot use; `known` tells accounts, lockers, machine types and uploads."""
        for name in MUST_HAVE:
            if self.get(name) in (UNDEFINED, None, ""):
                raise Refused(f"{name} is not set on {self.name}")
        if self.get("Credentials") not in known["accounts"]:
            raise Refused(f"Credentials {self.get('Credentials')} (on {self.name}) are not known")
        if (str(self.get("Region")), self.get("MachineType")) not in known["machine_types"]:
            raise Refused(f"MachineType {self.get('MachineType')} (on {self.name}) is not known in {self.get('Region')}")
        if not SUBNET.match(str(self.get("SubnetId"))):
            raise Refused(f"SubnetId {self.get('SubnetId')} (on {self.name}) is not group/network/subnet")
        if not URN.match(str(self.get("ImageName"))):
            raise Refused(f"ImageName {self.get('ImageName')} (on {self.name}) is no URN publisher:offer:sku:version")
        for locker, project, spec, version in self.specs():
            if locker not in (None, "cyclecloud", *known["lockers"]):
                raise Refused(f"Locker {locker} (of cluster-init {project}:{spec} on {self.name}) is not known")
            if spec not in specs_of(locker, project, version, known["projects"]):
                raise Refused(f"cluster-init {project}:{spec}:{version or ''} (on {self.name}) is not in the locker; "
                              "upload its project first")


def extended(section, sections, seen=()):
    """The section after those that it extends, farthest first."""
    if section.name.lower() in seen:
        raise Refused(f"{template.title(section)} extends itself")
    parents = []
    for known, (_, source) in section.attributes.items():
        if known.lower() == "extends":
            for name in (part.strip().lower() for part in source.split(",")):
                if name not in sections:
                    raise Refused(f"{template.title(section)} extends {name}, which is not defined")
                parents += extended(sections[name], sections, (*seen, section.name.lower()))
    return [*parents, section]


def specs_of(locker, project, version, uploaded):
    if locker == "cyclecloud":
        return BUILT_IN.get(project, set()) if version is None else set()
    return uploaded.get((project, version), set())


def put_nested(record, path, value):
    for part in path[:-1]:
        inner = record.get(part)
        if not isinstance(inner, dict):
            inner = record[part] = {}
        record = inner
    if value is UNDEFINED:
        record.pop(path[-1], None)
    else:
        record[path[-1]] = value


def split_spec(name, node):
    match = SPEC.match(name)
    if not match:
        raise Refused(f"cluster-init {name} (on {node}) is not project:spec:version")
    if match["version"] is None and match["locker"] != "cyclecloud":
        raise Refused(f"cluster-init {name} (on {node}) has no version")
    return match["locker"], match["project"], match["spec"], match["version"]


def plain(section, name):
    """An attribute of a parameter, which can refer to no other parameter."""
    for known, (operator, source) in section.attributes.items():
        if known.lower() == name.lower():
            return template.value(operator, source, lambda _: UNDEFINED)
    return UNDEFINED


def check_kind(name, kind, value):
    """Booleans and maps must be what they are called; other types are the server's own selectors."""
    if value in (UNDEFINED, None):
        return
    if kind == "Boolean" and str(value).lower() not in ("true", "false"):
        raise Refused(f"Parameter {name} must be true or false, not {value!r}")
    if kind == "Cloud.ClusterInitSpecs" and not isinstance(value, dict):
        raise Refused(f"Parameter {name} must map cluster-init names to their specs")
