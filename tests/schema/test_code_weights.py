"""What counts more among symbols of one name."""

from __future__ import annotations

import pytest

from diptych.schema.code_weights import order_of, place_weight, symbol_weight


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ("json/decoder.py", "test/test_json.py"),
        ("json/decoder.py", "src/json/tests/decode.py"),
        ("net/http.go", "net/http_test.go"),
        ("src/app.ts", "src/app.spec.ts"),
        ("src/app.ts", "node_modules/x/app.ts"),
        ("lib/six.py", "pip/_vendor/six.py"),
        ("src/server.c", ".pc/fix.patch/src/server.c"),
        ("src/server.c", "deps/lua/src/lua.c"),
        ("json/decoder.py", "site-packages/pip/main.py"),
        ("subprocess.py", "_bootsubprocess.py"),
        ("kernel/printk.c", "tools/testing/printk.c"),
        ("include/linux/slab.h", "tools/include/linux/slab.h"),
    ],
)
def test_own_code_counts_more_than_tests_and_code_of_others(more: str, less: str) -> None:
    assert place_weight(more) > place_weight(less)


@pytest.mark.parametrize(
    "path", ["json/__init__.py", "contest/latest.py", "src/attestation.rs", "unittest/mock.py"]
)
def test_what_only_looks_like_a_test_counts_in_full(path: str) -> None:
    assert place_weight(path) == 1.0


def test_types_and_functions_count_more_than_variables_and_what_is_inside_functions() -> None:
    outer = [symbol_weight(1.0, kind, "") for kind in ("class", "function", "variable")]
    assert outer == sorted(outer, reverse=True)
    inner = [symbol_weight(1.0, "function", container) for container in ("", "A", "A.run")]
    assert inner == sorted(inner, reverse=True) and len(set(inner)) == 3
    assert min(symbol_weight(0.0, "variable", "a.b"), symbol_weight(0.4, "variable", "a.b")) >= 0


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("printk", ("include/linux/printk.h", "macro", ""), ("arch/um/shared/user.h", "function", "")),
        ("inode", ("include/linux/fs.h", "struct", ""), ("fs/inode.c", "field", "cached")),
        ("parse", ("json/parse.py", "function", ""), ("tests/parse.py", "function", "")),
        ("Field", ("forms/fields.py", "class", ""), ("gis/db/forms/fields.py", "class", "")),
    ],
)
def test_the_likeliest_definition_of_a_name_comes_first(
    name: str, first: tuple[str, str, str], second: tuple[str, str, str]
) -> None:
    assert order_of(*first, name) < order_of(*second, name)
