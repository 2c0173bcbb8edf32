"""The expressions of a card's template, as Python."""

from collections.abc import Iterator
from keyword import iskeyword

from jinja2 import TemplateSyntaxError, nodes

from cards._drawn import Names

_COMPARED = {"eq": "==", "ne": "!=", "gt": ">", "gteq": ">=", "lt": "<", "lteq": "<=", "in": "in", "notin": "not in"}
_LOOP = {"index0": "{at}", "index": "({at} + 1)", "first": "({at} == 0)", "last": "({at} + 1 == size_({rows}))"}


class Expressions:
    """What `_compile` writes functions with. A name not set in the template itself is looked up in the context.

    Whatever stands for no template name ends with an underscore (`context_`), which no template name may.
    """

    def __init__(self, template: str, filters: Names) -> None:
        self.at = 1
        self.known: list[frozenset[str]] = []  # what each function around sets itself
        self.loops: list[tuple[str, str]] = []  # the names of the index and of the rows, in each loop around
        self._template = template
        self._filters = filters

    def expression(self, node: nodes.Node) -> str:
        """Python that gives what the template's expression does."""
        self.at = node.lineno
        match node:
            case nodes.Const():
                return repr(node.value)
            case nodes.Name():
                return node.name if self._is_ours(node.name) else f"context_[{node.name!r}]"
            case nodes.Getattr(node=nodes.Name(name="loop")) if self.loops and node.attr in _LOOP:
                at, rows = self.loops[-1]
                return _LOOP[node.attr].format(at=at, rows=rows)
            case nodes.Getattr():
                return f"get_({self.expression(node.node)}, {node.attr!r})"
            case nodes.Getitem():
                return f"get_({self.expression(node.node)}, {self.expression(node.arg)})"
            case nodes.Call():
                return self.call(node)
            case nodes.Filter() if node.node and node.name in self._filters:
                return f"filters_[{node.name!r}]({self._arguments(node, self.expression(node.node))})"
            case nodes.Test(name="defined", node=nodes.Name(name=name)):
                return "True" if self._is_ours(name) else f"({name!r} in context_)"
            case nodes.Test(name="none"):
                return f"({self.expression(node.node)} is None)"
            case nodes.CondExpr() if node.expr2:
                one, test, other = map(self.expression, (node.expr1, node.test, node.expr2))
                return f"({one} if {test} else {other})"
            case nodes.Concat():
                pieces = [self.expression(piece) for piece in node.nodes]
                return f"({'%s' * len(pieces)!r} % ({', '.join(pieces)},))"
            case nodes.Compare(ops=[only]):
                return f"({self.expression(node.expr)} {_COMPARED[only.op]} {self.expression(only.expr)})"
            case nodes.And() | nodes.Or() | nodes.Add() | nodes.Sub():
                return f"({self.expression(node.left)} {node.operator} {self.expression(node.right)})"
            case nodes.Not():
                return f"(not {self.expression(node.node)})"
            case nodes.Tuple() | nodes.List():
                items = "".join(f"{self.expression(item)}, " for item in node.items)
                return f"({items})" if isinstance(node, nodes.Tuple) else f"[{items}]"
            case nodes.Dict():
                pairs = (f"{self.expression(pair.key)}: {self.expression(pair.value)}" for pair in node.items)
                return f"{{{', '.join(pairs)}}}"
            case _:
                raise self.refused(node)

    def call(self, node: nodes.Call, *more: str) -> str:
        """The same of a call; `more` are arguments after its own."""
        callee = node.node
        if isinstance(callee, nodes.Getattr) and not callee.attr.startswith("_"):
            function = f"{self.expression(callee.node)}.{callee.attr}"
        else:
            function = self.expression(callee)
        return f"{function}({self._arguments(node, *more)})"

    def _arguments(self, node: nodes.Call | nodes.Filter, *more: str) -> str:
        if node.dyn_args or node.dyn_kwargs:
            raise self.refused("* or ** in a call")
        given = [self.expression(arg) for arg in node.args]
        named = [f"{one.key}={self.expression(one.value)}" for one in node.kwargs if isinstance(one, nodes.Keyword)]
        first, last = ([], more) if isinstance(node, nodes.Call) else (more, [])
        return ", ".join([*first, *given, *named, *last])

    def parameters(self, node: nodes.Macro) -> Iterator[str]:
        """A macro's, with their defaults."""
        without = len(node.args) - len(node.defaults)
        for number, arg in enumerate(node.args):
            default = f"={self.expression(node.defaults[number - without])}" if number >= without else ""
            yield self.checked(arg.name) + default

    def _is_ours(self, name: str) -> bool:
        return any(name in known for known in self.known)

    def checked(self, name: str) -> str:
        """A name the template gives, if Python can take it."""
        if iskeyword(name) or name == "loop" or (name.endswith("_") and name != "_"):  # those are the helpers'
            raise self.refused(f"the name {name}")
        return name

    def refused(self, what: object) -> TemplateSyntaxError:
        """To raise: the template has something here that no card needs."""
        said = what if isinstance(what, str) else f"{type(what).__name__} {getattr(what, 'name', '')}".strip()
        return TemplateSyntaxError(f"a card has no use for {said!r} here", self.at, self._template)
