"""What is kept of one question for the next ones about a file changes no answer, in whatever order."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from tests.names.asking import asking

from diptych.names.definitions import definitions
from diptych.names.infer import MAX_DEPTH, Inference
from diptych.names.languages import language
from diptych.serving.answers.written import sites_in

_CLASSES = "class B:\n    def f(self): return self\nclass A(B): pass\na0 = A().f()\n"


def test_bases_that_are_sought_at_the_end_of_a_long_way_are_sought_again(tmp_path: Path) -> None:
    names = [f"a{number}" for number in range(MAX_DEPTH + 4)]
    chain = "".join(f"{after} = {before}\n" for before, after in pairwise(names))
    uses = "".join(f"{name}.f\n" for name in reversed(names))
    with asking(tmp_path, {"a.py": f"{_CLASSES}{chain}{uses}A().f\n"}) as ask:
        parsed = ask.source.parsed("a.py")
        assert parsed is not None
        inference = Inference(ask.source, language("python").rules)
        sites = [one for one in sites_in(parsed, "f") if one.place[0] > 3]
        shared = [definitions(ask.source, parsed.names, one, inference=inference) for one in sites]
        assert shared == [definitions(ask.source, parsed.names, one) for one in sites]
        assert shared[-1][0].evidence == "inferred"
