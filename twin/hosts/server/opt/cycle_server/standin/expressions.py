"""CycleCloud's expression language, as used in `${…}` of templates, in queries and in filters.

`parse` gives a tree, `names` the names it refers to, `evaluate` its value. Names and functions ignore case. A value
that is not known is UNDEFINED; comparing it gives UNDEFINED, which counts as false.
"""
import re

from common import Refused

TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)(?![\w.])
    |"(?P<string>(?:[^"\\]|\\.)*)"
    |`(?P<duration>\d+(?:\.\d+)?[smhd])`
    |(?P<name>\$?[A-Za-z_][\w.]*)
    |(?P<operator>=\?=|=!=|===|!==|==|!=|<=|>=|&&|\|\||[-+*/%<>!(),?:{}\[\];=]))""",
    re.X,
)
BINDING = {
    "||": 1, "&&": 2,
    "==": 3, "!=": 3, "===": 3, "!==": 3, "=?=": 3, "=!=": 3, "is": 3, "isnt": 3, "in": 3,
    "<": 4, "<=": 4, ">": 4, ">=": 4,
    "+": 5, "-": 5, "*": 6, "/": 6, "%": 6,
}


class Undefined:
    """The value of a name that nothing defines."""

    def __bool__(self):
        return False

    def __repr__(self):
        return "undefined"


UNDEFINED = Undefined()
WORDS = {"true": True, "false": False, "undefined": UNDEFINED}


def tokens(text):
    """The text's tokens as (kind, value) pairs."""
    position, found = 0, []
    while text[position:].strip():
        match = TOKEN.match(text, position)
        if not match:
            raise Refused(f"unexpected {text[position:].strip()[:1]!r} in expression: {text}")
        kind, value = match.lastgroup, match.group(match.lastgroup)
        if kind == "name" and value.lower() in ("is", "isnt", "in"):
            kind, value = "operator", value.lower()
        found.append((kind, value))
        position = match.end()
    return found


def parse(text):
    """The expression's tree: nested tuples whose first member names the kind."""
    parser = Parser(text)
    try:
        tree = parser.ternary()
    except RecursionError:
        raise Refused(f"nested too deeply: {text[:60]}") from None
    parser.end()
    return tree


class Parser:
    """Precedence climbing over the tokens of one expression."""

    def __init__(self, text):
        self.text, self.left = text, tokens(text)

    def take(self, value=None):
        if not self.left or (value is not None and self.left[0] != ("operator", value)):
            raise Refused(f"expected {value or 'a value'} in expression: {self.text}")
        return self.left.pop(0)

    def sees(self, *values):
        return bool(self.left) and self.left[0][0] == "operator" and self.left[0][1] in values

    def end(self):
        if self.left:
            raise Refused(f"unexpected {self.left[0][1]!r} in expression: {self.text}")

    def ternary(self):
        tree = self.binary(0)
        if not self.sees("?"):
            return tree
        self.take("?")
        then = self.ternary()
        self.take(":")
        return ("call", "ifthenelse", [tree, then, self.ternary()])

    def binary(self, least):
        tree = self.unary()
        while self.sees(*BINDING) and BINDING[self.left[0][1]] > least:
            operator = self.take()[1]
            tree = ("binary", operator, tree, self.binary(BINDING[operator]))
        return tree

    def unary(self):
        if self.sees("!", "-"):
            return ("unary", self.take()[1], self.unary())
        if self.sees("("):
            self.take("(")
            tree = self.ternary()
            self.take(")")
            return tree
        if self.sees("{"):
            self.take("{")
            return ("list", self.items("}"))
        if self.sees("["):
            return self.record()
        kind, value = self.take()
        if kind == "number":
            return ("value", float(value) if "." in value else int(value))
        if kind == "string":
            return ("value", re.sub(r"\\(.)", r"\1", value))
        if kind == "duration":
            return ("value", value)
        if kind != "name":
            raise Refused(f"unexpected {value!r} in expression: {self.text}")
        if value.lower() in WORDS:
            return ("value", WORDS[value.lower()])
        if self.sees("("):
            self.take("(")
            return ("call", value.lower(), self.items(")"))
        return ("name", value.lstrip("$"))

    def record(self):
        """`[a = 1; b = 2]`"""
        self.take("[")
        members = {}
        while not self.sees("]"):
            kind, name = self.take()
            if kind not in ("name", "string"):
                raise Refused(f"expected a name in [...]: {self.text}")
            self.take("=")
            members[name] = self.ternary()
            if not self.sees("]"):
                self.take(";")
        self.take("]")
        return ("record", members)

    def items(self, end):
        found = []
        while not self.sees(end):
            found.append(self.ternary())
            if not self.sees(end):
                self.take(",")
        self.take(end)
        return found


def names(tree):
    """Every name that a tree refers to."""
    if tree[0] == "name":
        return {tree[1]}
    if tree[0] == "record":
        below = list(tree[1].values())
    elif tree[0] in ("list", "call"):
        below = tree[-1]
    else:
        below = [part for part in tree[2:] if isinstance(part, tuple)]
    return set().union(*(names(part) for part in below))


def evaluate(tree, lookup):
    """The tree's value; `lookup` gives the value of a name, or UNDEFINED."""
    kind = tree[0]
    if kind == "value":
        return tree[1]
    if kind == "name":
        return lookup(tree[1])
    if kind == "list":
        return [evaluate(part, lookup) for part in tree[1]]
    if kind == "record":
        return {name: evaluate(part, lookup) for name, part in tree[1].items()}
    if kind == "unary":
        value = evaluate(tree[2], lookup)
        if value is UNDEFINED:
            return UNDEFINED
        return (not value) if tree[1] == "!" else -number(value)
    if kind == "binary":
        return binary(tree[1], tree[2], tree[3], lookup)
    return call(tree[1], tree[2], lookup)


def binary(operator, left, right, lookup):
    left = evaluate(left, lookup)
    if operator == "&&":
        return bool(left) and bool(evaluate(right, lookup))
    if operator == "||":
        return bool(left) or bool(evaluate(right, lookup))
    right = evaluate(right, lookup)
    if operator in ("===", "is", "=?="):
        return same(left, right)
    if operator in ("!==", "isnt", "=!="):
        return not same(left, right)
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    if operator == "in":
        return any(equal(left, member) for member in right)
    if operator in ("==", "!="):
        return equal(left, right) == (operator == "==")
    return arithmetic(operator, number(left), number(right))


def arithmetic(operator, left, right):
    if operator in ("/", "%") and right == 0:
        raise Refused("division by zero in an expression")
    whole = isinstance(left, int) and isinstance(right, int)
    return {
        "<": lambda: left < right, "<=": lambda: left <= right,
        ">": lambda: left > right, ">=": lambda: left >= right,
        "+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right,
        "/": lambda: left // right if whole else left / right, "%": lambda: left % right,
    }[operator]()


def equal(left, right):
    """`==`: texts ignore case."""
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    return left == right


def same(left, right):
    """`===`: equal in kind and case."""
    return type(left) is type(right) and left == right


def number(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused(f"{value!r} is no number")
    return value


def call(name, arguments, lookup):
    if name == "ifthenelse":
        expect(name, arguments, 3)
        return evaluate(arguments[1 if evaluate(arguments[0], lookup) else 2], lookup)
    values = [evaluate(argument, lookup) for argument in arguments]
    if name == "ifundefined":
        expect(name, values, 2)
        return values[1] if values[0] is UNDEFINED else values[0]
    if name not in TEXT_FUNCTIONS:
        raise Refused(f"function {name} is not known")
    least, most, function = TEXT_FUNCTIONS[name]
    if not least <= len(values) <= most:
        raise Refused(f"function {name} does not take {len(values)} arguments")
    if any(value is UNDEFINED for value in values[:least]):
        return UNDEFINED
    try:
        return function(*values)
    except (TypeError, AttributeError, re.error):
        raise Refused(f"function {name} cannot take {', '.join(text(value) for value in values)}") from None


def expect(name, arguments, count):
    if len(arguments) != count:
        raise Refused(f"function {name} takes {count} arguments, not {len(arguments)}")


def text(value):
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def join(separator, *parts):
    parts = parts[0] if len(parts) == 1 and isinstance(parts[0], list) else parts
    return separator.join(text(part) for part in parts)


TEXT_FUNCTIONS = {
    "size": (1, 1, len),
    "trim": (1, 1, str.strip),
    "tolower": (1, 1, str.lower),
    "toupper": (1, 1, str.upper),
    "strcat": (1, 99, lambda *parts: "".join(text(part) for part in parts)),
    "strjoin": (2, 99, join),
    "substr": (2, 3, lambda value, start, end=None: value[start:end]),
    "regexp": (2, 2, lambda pattern, target: re.search(pattern, target) is not None),
    "regexps": (3, 3, lambda pattern, target, new: re.sub(pattern, new, target)),
}
