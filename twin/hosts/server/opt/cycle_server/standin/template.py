"""CycleCloud's template files: sections whose rank is the number of their brackets, and attributes in them.

    [cluster NAME]
        [[node NAME]]
            [[[configuration]]]
            key = value
"""
import re

from common import Refused
from standin import expressions

SECTION = re.compile(r"^(\[+)\s*([\w-]+)(?:\s+(.*?))?\s*(\]+)\s*(?:#.*)?$")
ATTRIBUTE = re.compile(r"^([\w. -]+?)\s*(:?=)\s*(.*)$")
PARENTS = {
    "cluster": {None},
    "environment": {None},
    "noderef": {"cluster"},
    "node": {"cluster"},
    "nodearray": {"cluster"},
    "configuration": {"node", "nodearray"},
    "cluster-init": {"node", "nodearray"},
    "volume": {"node", "nodearray"},
    "network-interface": {"node", "nodearray"},
    "input-endpoint": {"node", "nodearray"},
    "parameters": {None, "parameters"},
    "parameter": {None, "cluster", "parameters"},
}
NAMELESS = {"configuration"}


class Section:
    """One section: its kind, name, attributes in order (name -> (operator, text)) and the sections in it."""

    def __init__(self, kind, name, line):
        self.kind, self.name, self.line = kind, name, line
        self.attributes, self.sections = {}, []

    def all(self, *kinds):
        """Sections of the given kinds at any depth."""
        for section in self.sections:
            if section.kind in kinds:
                yield section
            yield from section.all(*kinds)


def parse(text):
    """The file's sections below a nameless root; Refused with the line of the first fault."""
    root = Section(None, None, 0)
    stack, lines, position = [root], text.splitlines(), 0
    while position < len(lines):
        number, line = position + 1, lines[position].strip()
        position += 1
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            open_section(stack, line, number)
            continue
        match = ATTRIBUTE.match(line)
        if not match or len(stack) == 1:
            raise Refused(f"line {number}: expected a section or \"name = value\": {line[:60]}")
        name, operator, value = match.groups()
        for quotes in ("'''", '"""'):
            if value.startswith(quotes):
                value, position = until_closed(lines, position - 1, quotes)
                value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        attributes = stack[-1].attributes
        if name.lower() in (known.lower() for known in attributes):
            raise Refused(f"line {number}: {name} is given twice in {title(stack[-1])}")
        attributes[name] = (operator, value)
    return root


def open_section(stack, line, number):
    match = SECTION.match(line)
    if not match or len(match.group(1)) != len(match.group(4)):
        raise Refused(f"line {number}: malformed section: {line[:60]}")
    rank, kind, name = len(match.group(1)), match.group(2).lower(), match.group(3)
    if kind not in PARENTS:
        raise Refused(f"line {number}: section {kind} is not known")
    if rank > len(stack):
        raise Refused(f"line {number}: [{kind}] has {rank} brackets, but at most {len(stack)} fit here")
    del stack[rank:]
    if stack[-1].kind not in PARENTS[kind]:
        raise Refused(f"line {number}: a {kind} cannot stand in {title(stack[-1])}")
    if not name and kind not in NAMELESS:
        raise Refused(f"line {number}: {kind} has no name")
    same = [s for s in stack[-1].sections if (s.kind, (s.name or "").lower()) == (kind, (name or "").lower())]
    if same and kind in ("cluster", "node", "nodearray", "parameter"):
        raise Refused(f"line {number}: {kind} {name} is defined twice (first in line {same[0].line})")
    section = Section(kind, name, number)
    stack[-1].sections.append(section)
    stack.append(section)


def until_closed(lines, first, quotes):
    """The text between triple quotes that open in line `first`, and the line after it."""
    rest = "\n".join(lines[first:]).split(quotes, 2)
    if len(rest) < 3:
        raise Refused(f"line {first + 1}: {quotes} is never closed")
    return rest[1], first + 1 + rest[1].count("\n")


def title(section):
    return "the file's top level" if section.kind is None else f"{section.kind} {section.name or ''}".strip()


def value(operator, source, lookup):
    """An attribute's value: `$Name`, `${expression}`, a quoted text, a number, true or false, a list, or bare text;
    after `:=` or `= =` all of it is an expression."""
    source = source.strip()
    if operator == ":=" or source.startswith("="):
        return expressions.evaluate(expressions.parse(source.lstrip("=")), lookup)
    if re.fullmatch(r"\$\{.*\}", source, re.S) and source.count("${") == 1:
        return expressions.evaluate(expressions.parse(source[2:-1]), lookup)
    if re.fullmatch(r"\$[A-Za-z_][\w.]*", source):
        return lookup(source[1:])
    if "${" in source:
        return re.sub(r"\$\{(.*?)\}", lambda m: part(m.group(1), lookup), source)
    if re.fullmatch(r'"(?:[^"\\]|\\.)*"', source, re.S):
        return re.sub(r"\\(.)", r"\1", source[1:-1])
    if "," in source:
        return [value("=", item, lookup) for item in source.split(",")]
    if source.lower() in expressions.WORDS:
        return expressions.WORDS[source.lower()]
    if re.fullmatch(r"-?\d+", source):
        return int(source)
    return float(source) if re.fullmatch(r"-?\d+\.\d+", source) else source


def part(source, lookup):
    return expressions.text(expressions.evaluate(expressions.parse(source), lookup))


def references(operator, source):
    """Names of the parameters that an attribute refers to."""
    source = source.strip()
    if operator == ":=" or source.startswith("="):
        return expressions.names(expressions.parse(source.lstrip("=")))
    if re.fullmatch(r'"(?:[^"\\]|\\.)*"', source, re.S):
        return set()
    found = set(re.findall(r"\$([A-Za-z_][\w.]*)", re.sub(r"\$\{.*?\}", "", source, flags=re.S)))
    for expression in re.findall(r"\$\{(.*?)\}", source, re.S):
        found |= expressions.names(expressions.parse(expression))
    return found
