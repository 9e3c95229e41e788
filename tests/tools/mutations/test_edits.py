"""Each kind of edit, on small sources: where it fits, and what it says where it does not."""

import ast
import textwrap

import pytest
from tools.mutations.edits import (
    After,
    Always,
    Before,
    Drop,
    Edit,
    Instead,
    Move,
    Never,
    Replace,
    WithoutArgument,
)
from tools.mutations.errors import MutationError
from tools.mutations.mutation import mutated

SOURCE = """
class Writer:
    def sync(self):
        target = self.last
        try:
            fs.fsync(self.fd)
        except OSError as error:
            self.poison(error)
            raise
        self.synced = target
"""


def same(found: str, wanted: str) -> bool:
    return ast.dump(ast.parse(found)) == ast.dump(ast.parse(textwrap.dedent(wanted)))


def body(source: str, edit: Edit) -> str:
    """What the edit makes of a function `f` with this body: its body again."""
    indented = textwrap.indent(textwrap.dedent(source).strip("\n"), "    ")
    text = mutated(f"def f():\n{indented}\n", [edit])
    return textwrap.dedent(text.partition("\n")[2]).strip("\n")


def edited(source: str, wanted: str, edit: Edit) -> None:
    assert same(body(source, edit), wanted)


def test_a_statement_is_dropped_and_an_empty_block_passes():
    text = mutated(SOURCE, [Drop("m", "Writer.sync", "fs.fsync")])
    assert same(text, SOURCE.replace("fs.fsync(self.fd)", "pass"))
    edited("a()\nb()\n", "a()", Drop("m", "f", "b"))


def test_an_edit_survives_layout_comments_and_what_is_added():
    source = """
        # A reason.
        with lock:
            other()
            fs.fsync(  # the file
                self.fd,
            )
            more()
        fs.rename(x, y)
        """
    edited(
        source, "with lock:\n    other()\n    more()\nfs.rename(x, y)", Drop("m", "f", "fs.fsync(self.fd)")
    )


@pytest.mark.parametrize(
    "point",
    [
        "sync(join(b, c), deep=True)",
        "sync(join(b, ...), deep=True)",
        "sync(join(...), ...)",
        "sync(..., deep=True)",
    ],
)
def test_an_argument_tells_two_calls_apart(point):
    edited("sync(a)\nsync(join(b, c), deep=True)", "sync(a)", Drop("m", "f", point))


@pytest.mark.parametrize(
    ("point", "there"),
    [
        ("f(...)", "f()"),
        ("f(...)", "f(1, x=2)"),
        ("f(1, ...)", "f(1)"),
        ("f(..., x=2)", "f(1, y=3, x=2)"),
        ("f(x=...)", "f(x=2)"),
        ("...[0]", "a.b[0]"),
        ("self.a", "self.a.b"),
        ("a", "await a"),
        ("a < b", "c + (a < b)"),
    ],
)
def test_a_pattern_fits(point, there):
    assert body(f"{there}\ng()", Drop("m", "f", point)) == "g()"


@pytest.mark.parametrize(
    ("point", "there"),
    [
        ("f(...)", "f"),
        ("f(...)", "o.f(1)"),
        ("f(1, ...)", "f()"),
        ("f(1, ...)", "f(2)"),
        ("f(..., x=2)", "f(1, y=3)"),
        ("f(1)", "f(1, 2)"),
        ("f(1)", "f(True)"),
        ("f(1)", "f(1, x=2)"),
        ("a.b", "b"),
        ("a", "b.a"),
        ("'a'", "b.a"),
    ],
)
def test_a_pattern_does_not_fit(point, there):
    with pytest.raises(MutationError, match="f of m has no statement with"):
        body(there, Drop("m", "f", point))


def test_statements_of_every_block_are_found():
    source = """
        async with s: a1()
        async for x in y: a2()
        for x in y: a3()
        else: a4()
        while x: a5()
        try: a6()
        except E: a7()
        else: a8()
        finally: a9()
        match x:
            case 1: a10()
        def inner():
            async with s: a11()
        class Inner:
            a12()
        """
    source = "async def f():\n" + textwrap.indent(textwrap.dedent(source), "    ")
    for number in range(1, 13):
        text = mutated(source, [Drop("m", "f", f"a{number}")])
        assert same(text, source.replace(f" a{number}()", " pass"))


def test_of_a_compound_statement_the_head_counts_and_its_block_goes_too():
    edited("with a(): b()\nc()", "c()", Drop("m", "f", "a"))
    edited("for x in a:\n    b()\nc()", "c()", Drop("m", "f", "a"))
    edited("if a:\n    b()\nelif c:\n    d()", "if a:\n    b()\nelse:\n    pass", Drop("m", "f", "c"))
    with pytest.raises(MutationError, match="f of m: the statement with a has an else"):
        body("if a:\n    b()\nelif c:\n    d()", Drop("m", "f", "a"))


def test_a_function_is_named_with_those_around_it():
    source = """
        if x:
            class A:
                def f(self):
                    def g(): a(1)
                    a(2)
        class B:
            async def f(self): a(3)
        def f(): a(4)
        """
    source = textwrap.dedent(source)
    for name, call in {"A.f.g": "a(1)", "B.f": "a(3)", "f": "a(4)"}.items():
        assert same(mutated(source, [Drop("m", name, "a")]), source.replace(call, "pass"))
    with pytest.raises(MutationError, match=r"A\.f of m has 2 statements with a: nth"):
        mutated(source, [Drop("m", "A.f", "a")])
    for name in ("A.g", "C.f", "A", "g"):
        with pytest.raises(MutationError, match=f"m has no function {name}$"):
            mutated(source, [Drop("m", name, "a")])
    with pytest.raises(MutationError, match=r"m has 2 functions f$"):
        mutated("def f(): a()\ndef f(): a()", [Drop("m", "f", "a")])


def test_one_of_several_is_chosen_in_the_order_of_the_source():
    source = "if x:\n    a(1)\n    y()\na(2)\na(3)"
    edited(source, "if x:\n    y()\na(2)\na(3)", Drop("m", "f", "a", nth=1))
    edited(source, "if x:\n    a(1)\n    y()\na(2)", Drop("m", "f", "a", nth=3))
    with pytest.raises(MutationError, match="f of m has 3 statements with a: nth must say which"):
        body(source, Drop("m", "f", "a"))
    for nth in (4, -1):
        with pytest.raises(MutationError, match=f"f of m has 3 statements with a, and nth is {nth}"):
            body(source, Drop("m", "f", "a", nth=nth))


@pytest.mark.parametrize(
    ("edit", "there", "wanted"),
    [
        (Never, "if a: x()", "if False: x()"),
        (Always, "if not a: x()", "if True: x()"),
        (Never, "if b: x()\nelif a(1): y()\nelse: z()", "if b: x()\nelif False: y()\nelse: z()"),
        (Never, "while a: x()", "while False: x()"),
        (Never, "x = [i for i in y if i.a and a]", "x = [i for i in y if False]"),
        (Never, "return 1 if a else 2", "return 1 if False else 2"),
        (Never, "assert a", "assert False"),
        # Of an `or`, the other operands remain, and of an `and`.
        (Never, "if b or a < 1: x()", "if b: x()"),
        (Never, "if b or a or c: x()", "if b or c: x()"),
        (Always, "return b and c and a(1) == 2", "return b and c"),
        # One that decides the rest.
        (Never, "if b and a: x()", "if False: x()"),
        (Always, "if b or a: x()", "if True: x()"),
        (Never, "if (b and a) or c: x()", "if c: x()"),
        (Always, "if b and (c or a): x()", "if b: x()"),
        (Always, "if not (b and a): x()", "if not b: x()"),
        # The smallest: within a condition another one.
        (Never, "if any(i for i in y if i == a): x()", "if any(i for i in y if False): x()"),
    ],
)
def test_a_condition_is_decided(edit, there, wanted):
    edited(there, wanted, edit("m", "f", "a"))


def test_a_condition_is_not_one_where_the_point_is_only_in_the_block():
    with pytest.raises(MutationError, match="f of m has no condition with a"):
        body("if b: a()", Never("m", "f", "a"))
    with pytest.raises(MutationError, match="f of m has 2 conditions with a"):
        body("if a and not a: x()", Never("m", "f", "a"))
    edited("if a and not a: x()", "if a: x()", Always("m", "f", "a", nth=2))


@pytest.mark.parametrize(
    ("point", "by", "there", "wanted"),
    [
        ("a(...)", "0", "x = a(b, c=1)", "x = 0"),
        ("a", "b.c", "x = a(1)", "x = b.c(1)"),
        ("a.b", "c", "x = y(1, key=a.b.d)", "x = y(1, key=c.d)"),
        ("a", "self.a", "a = 1\nb = a", "a = 1\nb = self.a"),
        ("... if a else ...", "''", "return b(1) if a else c", "return ''"),
        ("a", "False", "return b or a", "return b or False"),
        ("a", "b", "return f'{a} {c}'", "return f'{b} {c}'"),
    ],
)
def test_an_expression_is_replaced(point, by, there, wanted):
    edited(there, wanted, Replace("m", "f", point, by))


def test_an_expression_that_is_assigned_to_is_not_replaced():
    with pytest.raises(MutationError, match="f of m has no expression with a"):
        body("a = 1", Replace("m", "f", "a", "b"))
    with pytest.raises(MutationError, match="f of m has 2 expressions with a"):
        body("b(a, a)", Replace("m", "f", "a", "b"))
    edited("b(a, a)", "b(a, c)", Replace("m", "f", "a", "c", nth=2))


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ("x = o.h(1, salt)", "x = o.h(1)"),
        ("x = o.h(1, salt << 8, 2)", "x = o.h(1, 2)"),
        ("x = o.h(1, salt=2, key=salt)", "x = o.h(1, salt=2)"),
        ("x = o.h(salt)\nh(salt)", "x = o.h()\nh(salt)"),
        ("x = o.h(1, o.h(salt))", None),
    ],
)
def test_an_argument_is_left_out(there, wanted):
    edit = WithoutArgument("m", "f", "o.h", "salt")
    if wanted is None:
        with pytest.raises(MutationError, match=r"f of m has 2 arguments with salt in a call of o\.h"):
            body(there, edit)
        return
    edited(there, wanted, edit)


def test_an_argument_that_is_not_there():
    with pytest.raises(MutationError, match=r"f of m has no argument with salt in a call of o\.h"):
        body("o.h(1)\nh(salt)", WithoutArgument("m", "f", "o.h", "salt"))


def test_statements_are_added_and_exchanged():
    source = "with a(): b()\nc()"
    edited(source, "x = 1\ny = 2\nwith a(): b()\nc()", Before("m", "f", "a", "x = 1\ny = 2"))
    edited(source, "with a(): b()\nx()\nc()", After("m", "f", "a", "x()"))
    edited(source, "with a():\n    b()\n    x()\nc()", After("m", "f", "b", "\n        x()\n        "))
    edited(source, "with a():\n    if x: y()\nc()", Instead("m", "f", "b", "if x:\n    y()"))
    edited(source, "x()\nc()", Instead("m", "f", "a", "x()"))


def test_a_statement_is_moved():
    edited("a()\nwith w:\n    b()\nc()", "c()\na()\nwith w:\n    b()", Move("m", "f", "c", before="a"))
    edited("a()\nwith w:\n    b()\nc()", "a()\nwith w:\n    pass\nb()\nc()", Move("m", "f", "b", before="c"))
    edited("a()\nb()\nc()", "b()\na()\nc()", Move("m", "f", "a", before="c"))
    with pytest.raises(MutationError, match="f of m has no statement with d"):
        body("a()\nb()", Move("m", "f", "a", before="d"))
    with pytest.raises(MutationError, match="f of m has 2 statements with b"):
        body("a()\nb(1)\nb(2)", Move("m", "f", "a", before="b"))


def test_edits_to_one_file_are_made_in_order():
    edits = [Replace("m", "Writer.sync", "target", "self.last"), Drop("m", "Writer.sync", "target")]
    text = mutated(SOURCE, edits)
    wanted = SOURCE.replace("        target = self.last\n", "").replace("= target", "= self.last")
    assert same(text, wanted)
    with pytest.raises(MutationError, match="2 statements with target"):
        mutated(SOURCE, edits[::-1])


def test_an_edit_names_its_file():
    assert Drop("store.recovery.apply", "cut", "a").file == "store/recovery/apply.py"
