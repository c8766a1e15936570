"""Which changes of one token in the rules no test notices, as mutmut finds them.

    make mutants

Run it by hand, in some twenty minutes; no test and no other target calls it. mutmut changes the
bodies of functions, one token at a time. Beside its own changes it is taught three: a statement
that only calls is left out, `any` becomes `all` and `min` becomes `max`, and the reverse. It leaves
decorated functions alone, so that properties are shown to it as plain methods. Constants of a
module, defaults and annotations stay as they are.

`tests/equivalent-mutants.txt` lists the changes that cannot matter, each with why. The exit code
is 1 where less than 95 % of the others were noticed, or where the list names one that was, or that
is not there.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import libcst
from mutmut import __main__ as mutmut
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.mutators import mutation_operators
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files

EQUIVALENT: Final = Path("tests/equivalent-mutants.txt")
ENOUGH: Final = 0.95
NOTICED: Final = frozenset({"killed", "timeout"})
OPPOSITES: Final = {"any": "all", "all": "any", "min": "max", "max": "min"}
PROPERTIES: Final = frozenset({"property", "cached_property"})


def the_opposite(call: Any) -> Iterator[Any]:
    """The call of `all` for one of `any`, and the like."""
    if isinstance(call.func, libcst.Name) and call.func.value in OPPOSITES:
        yield call.with_changes(func=libcst.Name(OPPOSITES[call.func.value]))


def without_the_call(statement: Any) -> Iterator[Any]:
    """Nothing, for a statement that only calls."""
    if isinstance(statement.value, libcst.Call):
        yield libcst.Pass()


def with_plain_properties(source: str) -> str:
    """The source with each property as a method, and made a property behind it."""
    lines = source.splitlines()
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    methods = [node for each in classes for node in each.body if isinstance(node, ast.FunctionDef)]
    for method in reversed(methods):
        match method.decorator_list:
            case [ast.Name(id=kind)] if kind in PROPERTIES and method.end_lineno:
                lines.insert(method.end_lineno, f"    {method.name} = {kind}({method.name})")
                del lines[method.lineno - 2]
    return "\n".join(lines) + "\n"


def run() -> None:
    """Let mutmut change the code and run the tests, a change at a time."""
    mutation_operators.append((libcst.Call, the_opposite))
    mutation_operators.append((libcst.Expr, without_the_call))
    mutate = mutmut.mutate_file_contents

    def mutate_all(name: str, source: str, *lines: Any) -> Any:
        return mutate(name, with_plain_properties(source), *lines)

    mutmut.mutate_file_contents = mutate_all
    mutmut.run.callback((), max_children=1)


def results() -> Iterator[tuple[str, str, str]]:
    """Each change as its module, how it fared, and what it is: `function: before => after`."""
    for path in walk_mutatable_files():
        found = mutmut.SourceFileMutationData(path=path)
        found.load()
        for name, exit_code in found.exit_code_by_key.items():
            status = status_by_exit_code[exit_code]
            change = "" if status in NOTICED else _change(name, path)
            yield str(path), status, change


def _change(name: str, path: Path) -> str:
    lines = get_diff_for_mutant(name, path=path).splitlines()[2:]
    before, after = (
        " ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+"
    )
    function = re.sub(r"^x[_ǁ]|__mutmut_\d+$", "", name.rpartition(".")[2]).replace("ǁ", ".")
    return f"{path.stem}.{function}: {before} => {after}"


def main() -> int:
    """Run all, print what nobody noticed and the score of each module; the exit code."""
    run()
    listed = EQUIVALENT.read_text(encoding="utf-8").splitlines()
    equivalent = {line for line in listed if line and not line.startswith("#")}
    noticed, survived, left_out = Counter[str](), Counter[str](), Counter[str]()
    met: set[str] = set()
    for module, status, change in results():
        if status in NOTICED:
            noticed[module] += 1
        elif change in equivalent:
            left_out[module] += 1
            met.add(change)
        else:
            survived[module] += 1
            print(f"{status}: {change}")
    for module in noticed:
        total = noticed[module] + survived[module]
        print(
            f"{module}: {noticed[module]} of {total} noticed ({noticed[module] / total:.1%}),"
            f" {left_out[module]} equivalent"
        )
    for change in sorted(equivalent - met):
        print(f"No such change, or it is noticed: {change}")
    score = noticed.total() / (noticed.total() + survived.total())
    print(f"{score:.1%} noticed")
    return 0 if score >= ENOUGH and equivalent <= met else 1


if __name__ == "__main__":
    sys.exit(main())
