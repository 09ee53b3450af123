"""A failure as a program: the check itself, freed from this project, with the loader alone.

The check's source is taken with everything of ours that it uses (probe datasets, helpers), and
`with subject.open(...) as loader` becomes the plain construction of the loader. What belongs to
other packages is imported. So the script fails for the very reason the check failed.
"""

import ast
import builtins
import functools
import inspect
import sys
import textwrap
from collections.abc import Callable, Mapping
from operator import attrgetter
from types import ModuleType
from typing import Any

from conformance.adapter import Adapter
from conformance.processes import Started
from conformance.requirement import Requirement
from conformance.subject import in_fresh_process

SEEDING = """\
random.seed({seed})
np.random.seed({seed})
torch.manual_seed({seed})
"""


def script(
    requirement: Requirement,
    adapter: Adapter,
    example: Mapping[str, str],
    seed: int = 0,
    start_method: str | None = None,
) -> str:
    """Return a program that judges one requirement on one example.

    Args:
        requirement: whose check is to be written out.
        adapter: whose loader it is to use.
        example: the check's arguments after the subject, as source text.
        seed: what the random generators start from.
        start_method: how workers are started by default; None leaves it to Python.

    """
    sources = Sources(requirement.check.__module__.partition(".")[0], adapter, seed)
    sources.take("random", sys.modules["random"])
    sources.take("np", sys.modules["numpy"])
    sources.take("torch", sys.modules["torch"])
    sources.define(requirement.name, requirement.check)
    call = f"{requirement.name}({', '.join(f'{name}={text}' for name, text in example.items())})"
    start = SEEDING.format(seed=seed)
    if start_method:
        sources.take("multiprocessing", sys.modules["multiprocessing"])
        start = f"multiprocessing.set_start_method({start_method!r})\n{start}"
    origin = ", ".join((*requirement.claims, *requirement.evidence))
    title = textwrap.fill(f"{requirement.sentence} ({origin})", 98, break_long_words=False)
    return "\n\n".join(
        [
            "\n".join(f"# {line}" for line in title.splitlines()),
            "\n".join(sorted(sources.imports)),
            *sources.definitions,
            'if __name__ == "__main__":\n' + textwrap.indent(start + call, "    ") + "\n",
        ]
    )


class Sources:
    """The imports and definitions that a piece of source needs, dependencies first."""

    def __init__(self, specification: str, adapter: Adapter, seed: int) -> None:
        self.own = (specification, "conformance")
        self.adapter = adapter
        self.seed = seed
        self.imports: set[str] = set()
        self.definitions: list[str] = []
        self._taken: set[str] = set()

    def take(self, name: str, value: Any) -> None:
        """Make `name` mean `value` in the script."""
        if name in self._taken or getattr(builtins, name, None) is value:
            return
        self._taken.add(name)
        if isinstance(value, ModuleType):
            plain = value.__name__ == name
            self.imports.add(f"import {value.__name__}" + ("" if plain else f" as {name}"))
        elif self._is_ours(value):
            self.define(name, value)
        elif (home := getattr(value, "__module__", None)) and hasattr(value, "__qualname__"):
            renamed = "" if value.__qualname__ == name else f" as {name}"
            self.imports.add(
                f"from {_public_home(home, value)} import {value.__qualname__}{renamed}"
            )
        else:
            self.definitions.append(f"{name} = {value!r}")

    def define(self, name: str, value: Callable[..., Any]) -> None:
        """Write out the source of a function or class, after all that it uses."""
        self._taken.add(name)
        tree = ast.parse(textwrap.dedent(inspect.getsource(value)))
        scope = sys.modules[value.__module__].__dict__
        definition = Freed(self).visit(tree.body[0])
        for node in ast.walk(definition):
            if isinstance(node, ast.Name) and node.id in scope and node.id != name:
                self._take_global(node.id, value.__module__)
        self.definitions.append(ast.unparse(ast.fix_missing_locations(definition)))

    def loader(self) -> str:
        """Return the expression that stands for the loader's constructor."""
        return self.expression(self.adapter.construct)

    def called(self) -> str:
        """Return the expression that stands for what a user of the loader calls."""
        return self.expression(self.adapter.called or self.adapter.construct)

    def expression(self, construct: Callable[..., Any]) -> str:
        """Return the expression that stands for a callable."""
        # What is named by module:object is imported by that name; it may have no other.
        module, _, path = self.adapter.name.partition(":")
        if path and attrgetter(path)(sys.modules[module]) is construct:
            root = path.partition(".")[0]
            self._taken.add(root)
            self.imports.add(f"from {module} import {root}")
            return path
        if isinstance(construct, functools.partial):
            given = "".join(f", {key}={value!r}" for key, value in construct.keywords.items())
            self.take("partial", functools.partial)
            self.take(construct.func.__name__, construct.func)
            return f"partial({construct.func.__name__}{given})"
        self.take(construct.__name__, construct)
        return construct.__name__

    def offer(self, name: str) -> str:
        """Return the name of what the adapter offers under `name`; None if it offers none.

        Then the requirement came to its verdict without it.
        """
        offered = self.adapter.offers.get(name)
        if offered is None:
            return "None"
        self.take(offered.__name__, offered)
        return offered.__name__

    def _take_global(self, name: str, module: str) -> None:
        value = sys.modules[module].__dict__[name]
        assignment = _assignment(name, module)
        if assignment is None or name in self._taken:
            self.take(name, value)
            return
        self._taken.add(name)
        for node in ast.walk(assignment):
            if (
                isinstance(node, ast.Name)
                and node.id in sys.modules[module].__dict__
                and node.id != name
            ):
                self._take_global(node.id, module)
        self.definitions.append(ast.unparse(assignment))

    def _is_ours(self, value: Any) -> bool:
        module = getattr(value, "__module__", None) or ""
        return (
            inspect.isroutine(value) | inspect.isclass(value)
            and module.partition(".")[0] in self.own
        )


class Freed(ast.NodeTransformer):
    """Rewrites the source of a check, or of what it uses, to do without a subject."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.in_function = False

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Visit what is inside, and leave no block without a statement."""
        super().generic_visit(node)
        if getattr(node, "body", None) == []:
            node.body = [ast.Pass()]  # type: ignore[attr-defined]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Take the subject, annotations and decorators with arguments off a function."""
        outer, self.in_function = self.in_function, True
        self.generic_visit(node)
        self.in_function = outer
        node.decorator_list = [
            decorator
            for decorator in node.decorator_list
            if isinstance(decorator, ast.Name | ast.Attribute)
        ]
        node.returns = None
        for argument in ast.walk(node.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        node.args.args = [argument for argument in node.args.args if argument.arg != "subject"]
        node.body = _without_docstring(node.body) or [ast.Pass()]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        """Take the docstring off a class."""
        self.generic_visit(node)
        node.body = _without_docstring(node.body) or [ast.Pass()]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Take the type off a variable; a dataclass's field needs one, that needs no import."""
        self.generic_visit(node)
        if self.in_function and node.value:
            return ast.Assign([node.target], node.value)
        if not (isinstance(node.annotation, ast.Name) and hasattr(builtins, node.annotation.id)):
            node.annotation = ast.Name("object", ast.Load())
        return node

    def visit_With(self, node: ast.With) -> Any:
        """Open the loader by constructing it."""
        self.generic_visit(node)
        body = node.body
        for item in reversed(node.items):
            if not _is_call_of(item.context_expr, "open"):
                body = [ast.With([item], body)]
            elif item.optional_vars:
                made = self._construction(item.context_expr)
                body = [ast.Assign([item.optional_vars], made), *body]
            else:
                body = [ast.Expr(self._construction(item.context_expr)), *body]
        return body

    def visit_Expr(self, node: ast.Expr) -> Any:
        """Leave observations out."""
        if _is_call_of(node.value, "observe"):
            return None
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Ask Python instead of the subject, and hand the subject to nobody."""
        self.generic_visit(node)
        node.args = [arg for arg in node.args if not _is_subject(arg)]
        if _is_call_of(node, "offer"):
            return ast.Name(self.sources.offer(node.args[0].value), ast.Load())  # type: ignore[attr-defined]
        if _is_call_of(node, "elsewhere"):
            self.sources.take("in_fresh_process", in_fresh_process)
            return ast.Call(ast.Name("in_fresh_process", ast.Load()), node.args, node.keywords)
        if _is_call_of(node, "start"):
            self.sources.take("Started", Started)
            return ast.Call(ast.Name("Started", ast.Load()), node.args, node.keywords)
        if _is_call_of(node, "signature"):
            self.sources.take("signature", inspect.signature)
            return ast.parse(f"signature({self.sources.called()})", mode="eval").body
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Write the seed out."""
        if _is_subject(node.value) and node.attr == "seed":
            return ast.Constant(self.sources.seed)
        return self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        """Have the assertion show both sides of a comparison."""
        self.generic_visit(node)
        if (
            node.msg is None
            and isinstance(node.test, ast.Compare)
            and len(node.test.comparators) == 1
        ):
            node.msg = ast.Tuple([node.test.left, node.test.comparators[0]], ast.Load())
        return node

    def _construction(self, call: Any) -> ast.expr:
        return ast.Call(
            ast.parse(self.sources.loader(), mode="eval").body, call.args, call.keywords
        )


def _is_subject(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "subject"


def _is_call_of(node: ast.AST, method: str) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
        and _is_subject(node.func.value)
    )


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    has_one = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if has_one else body


def _assignment(name: str, module: str) -> ast.stmt | None:
    for statement in ast.parse(inspect.getsource(sys.modules[module])).body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in statement.targets
        ):
            return statement
    return None


def _public_home(module: str, value: Any) -> str:
    """Return the shortest enclosing package that exports `value` under its name."""
    parts = module.split(".")
    for length in range(1, len(parts)):
        package = ".".join(parts[:length])
        if getattr(sys.modules.get(package), value.__qualname__, None) is value:
            return package
    return module
