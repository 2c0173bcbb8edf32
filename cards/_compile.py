"""A card's template -> a Python function that builds the card.

A template is JSON with Jinja's holes and statements in it. Its JSON is read here, once, when the template is compiled;
what fills a hole later is put into dicts and lists as a value and is never read as JSON. So data can neither break nor
extend a card. Jinja parses; whatever it understands and cards do not need is refused.
"""

import ast
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jinja2 import Environment, nodes

from cards._drawn import HELPERS, Context, Drawn, Names
from cards._expressions import Expressions

Run = Callable[[Context], tuple[Drawn, Names]]
Token = tuple[str, Any]
"""One of `{ } [ ] , :` and None, or `json` and a value, `hole` and an expression, `statement` and a node."""

_JSON = re.compile(r'\s*(?:([{}\[\],:])|("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null)|\Z)', re.DOTALL)


def compiled(environment: Environment, name: str, filters: Names, run: Callable[[str], Run]) -> Run:
    """What runs a template: from its context to what it draws and the names it sets. `run` gives the one it extends."""
    assert environment.loader is not None
    source, path, _ = environment.loader.get_source(environment, name)
    writer = _Writer(name, filters)
    writer.template(environment.parse(source, name).body)
    tree = ast.parse("\n".join(text for text, _ in writer.lines))
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt | ast.expr):
            node.lineno = node.end_lineno = writer.lines[node.lineno - 1][1]  # a traceback shows the template's line
    made: Names = {"__builtins__": {}, "filters_": filters, "run_": run, **HELPERS}
    exec(compile(tree, path or name, "exec"), made)  # noqa: S102 - our own templates, as Jinja does
    template: Run = made["template_"]
    return template


class _Writer(Expressions):
    """Writes the function of one template. `lines` holds its lines, each with the template's line it stands for."""

    def __init__(self, name: str, filters: Names) -> None:
        super().__init__(name, filters)
        self.lines: list[tuple[str, int]] = []
        self._depth = 0
        self._made = 0
        self._extends = False

    def template(self, body: list[nodes.Node]) -> None:
        """All of it."""
        parents = [node for node in body if isinstance(node, nodes.Extends)]
        self._extends = bool(parents)
        with_names = [node for node in body if not isinstance(node, nodes.Extends)]
        self._write("def template_(context_):")
        self._function((), with_names, None if parents else "drawn_, {%s}")
        if parents:
            self._depth += 1
            self._write(f"return run_({self.expression(parents[0].template)})(context_)")
            self._depth -= 1

    # --- functions and statements

    def _function(self, parameters: Iterable[str], body: list[nodes.Node], gives: str | None = "drawn_") -> None:
        """The inside of a function that draws `body`. `gives` is what it returns, `%s` being the names it always sets."""
        self.known.append(frozenset([*self._named(body), *parameters]))
        self._depth += 1
        self._write("drawn_ = Drawn_()")
        self._elements(self._tokens(body), "drawn_")
        if gives:
            always = self._named(node for node in body if not isinstance(node, nodes.For | nodes.If))
            names = ", ".join(f"{name!r}: {name}" for name in always)
            self._write("return " + (gives % names if "%s" in gives else gives))
        self._depth -= 1
        self.known.pop()

    def _named(self, body: Iterable[nodes.Node]) -> Iterator[str]:
        """What these statements name, functions inside excepted."""
        for node in body:
            match node:
                case nodes.Macro():
                    yield self.checked(node.name)
                case nodes.Assign() | nodes.AssignBlock():
                    yield from map(self.checked, _targets(node.target))
                case nodes.For():
                    yield from map(self.checked, _targets(node.target))
                    yield from self._named([*node.body, *node.else_])
                case nodes.If():
                    yield from self._named([*node.body, *node.elif_, *node.else_])

    def _statement(self, node: nodes.Node, into: str) -> None:
        self.at = node.lineno
        match node:
            case nodes.If():
                self._choice("if", node, into)
            case nodes.For():
                self._loop(node, into)
            case nodes.Assign():
                self._write(f"{self._target(node.target)} = {self.expression(node.node)}")
                self._publish(node.target)
            case nodes.AssignBlock(filter=None):
                name = self._target(node.target)
                self._write(f"{name} = Drawn_()")
                self._elements(self._tokens(node.body), name)
                self._publish(node.target)
            case nodes.Macro():
                parameters = self.parameters(node)
                self._write(f"def {node.name}({', '.join([*parameters, 'caller=None'])}):")
                self._function([*(arg.name for arg in node.args), "caller"], node.body)
            case nodes.CallBlock() if not node.args:
                caller = self._new("caller")
                self._write(f"def {caller}():")
                self._function((), node.body)
                self._write(f"put_({into}, {self.call(node.call, f'caller={caller}')})")
            case nodes.Block() if self._extends:
                block = self._new("block")
                self._write(f"def {block}():")
                self._function((), node.body)
                self._write(f"context_[{_block(node)!r}] = {block}")
            case nodes.Block():
                self._write(f"put_({into}, context_[{_block(node)!r}]())")
            case _:
                raise self.refused(node)

    def _choice(self, word: str, node: nodes.If, into: str) -> None:
        self._write(f"{word} {self.expression(node.test)}:")
        self._inside(node.body, into)
        for other in node.elif_:
            self._choice("elif", other, into)
        if node.else_:
            self._write("else:")
            self._inside(node.else_, into)

    def _loop(self, node: nodes.For, into: str) -> None:
        rows, at, target = self._new("rows"), self._new("at"), self._target(node.target)
        each = f"for {target} in {self.expression(node.iter)}"
        test = f" if {self.expression(node.test)}" if node.test else ""
        self._write(f"{rows} = [{target} {each}{test}]")
        self._write(f"for {at}, {target} in count_({rows}):")
        self.loops.append((at, rows))
        self._inside(node.body, into)
        self.loops.pop()
        if node.else_:
            self._write(f"if not {rows}:")
            self._inside(node.else_, into)

    def _inside(self, body: list[nodes.Node], into: str) -> None:
        self._depth += 1
        before = len(self.lines)
        self._elements(self._tokens(body), into)
        if len(self.lines) == before:
            self._write("pass")
        self._depth -= 1

    def _publish(self, target: nodes.Node) -> None:
        """The template extended sees what an extending one sets."""
        if self._extends and len(self.known) == 1:
            for name in _targets(target):
                self._write(f"context_[{name!r}] = {name}")

    # --- JSON

    def _tokens(self, body: list[nodes.Node]) -> Iterator[Token]:
        for node in body:
            if not isinstance(node, nodes.Output):
                yield "statement", node
                continue
            for piece in node.nodes:
                self.at = piece.lineno
                if isinstance(piece, nodes.TemplateData):
                    yield from self._read(piece.data)
                else:
                    yield "hole", piece

    def _read(self, text: str) -> Iterator[Token]:
        at = 0
        while at < len(text):
            match = _JSON.match(text, at)
            if match is None:
                raise self.refused(text[at : at + 20])
            mark, value = match.groups()
            self.at += text.count("\n", at, match.end())
            at = match.end()
            if mark or value:
                yield (mark, None) if mark else ("json", json.loads(value))

    def _elements(self, tokens: Iterator[Token], into: str, end: str | None = None) -> None:
        """What stands in a list, each element followed by a comma or not."""
        for kind, held in tokens:
            at = self.at
            if kind == end:
                return
            if kind == "statement":
                self._statement(held, into)
            elif kind == "hole":
                self._write(f"put_({into}, {self.expression(held)})")
            elif kind in ("{", "["):
                self._write(f"{into}.append({self._value(kind, held, tokens)})", at)
            elif kind == "json":
                if held is not None:
                    self._write(f"{into}.append({held!r})")
            elif kind != ",":
                raise self.refused(kind)
        if end:
            raise self.refused(f"no {end}")

    def _value(self, kind: str, held: Any, tokens: Iterator[Token]) -> str:
        """The expression that gives a JSON value; for a list, after the lines that fill it."""
        match kind:
            case "json":
                return repr(held)
            case "hole":
                return self._hole(held)
            case "{":
                pairs = (f"{key}: {value}" for key, value in self._pairs(tokens, end="}"))
                return f"object_({{{', '.join(pairs)}}})"
            case "[":
                name = self._new("list")
                self._write(f"{name} = []")
                self._elements(tokens, name, end="]")
                return name
            case _:
                raise self.refused(kind)

    def _hole(self, node: nodes.Expr) -> str:
        value = self.expression(node)
        if isinstance(node, nodes.Const | nodes.Concat):
            return value
        if isinstance(node, nodes.Name):
            return f"None if {value} is None else one_({value})"  # most parameters of a part are not given
        return f"one_({value})"

    def _pairs(self, tokens: Iterator[Token], end: str | None) -> Iterator[tuple[str, str]]:
        for kind, held in tokens:
            if kind == end:
                return
            if kind == "statement" and isinstance(held, nodes.If) and not (held.elif_ or held.else_):
                yield from self._pairs_if(held)
            elif kind == "json" and isinstance(held, str) and next(tokens, None) == (":", None):
                value = next(tokens, ("", None))
                yield repr(held), self._value(value[0], value[1], tokens)
            elif kind != ",":
                raise self.refused(kind)
        if end:
            raise self.refused(f"no {end}")

    def _pairs_if(self, node: nodes.If) -> Iterator[tuple[str, str]]:
        condition, before = self.expression(node.test), len(self.lines)
        for key, value in self._pairs(self._tokens(node.body), None):
            yield key, f"({value}) if {condition} else None"
        if len(self.lines) > before:
            raise self.refused("a list in a property that may be absent")

    # --- names and lines

    def _target(self, node: nodes.Node) -> str:
        names = [self.checked(name) for name in _targets(node)]
        return names[0] if isinstance(node, nodes.Name) else f"({', '.join(names)})"

    def _new(self, what: str) -> str:
        self._made += 1
        return f"{what}_{self._made}_"

    def _write(self, text: str, at: int | None = None) -> None:
        self.lines.append(("    " * self._depth + text, at or self.at))


def _targets(node: nodes.Node) -> list[str]:
    if isinstance(node, nodes.Name):
        return [node.name]
    return [item.name for item in node.find_all(nodes.Name)]


def _block(node: nodes.Block) -> str:
    return f"block {node.name}"
