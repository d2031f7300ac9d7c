"""YAML files: what is read is what was written, and nothing in them surprises or runs away."""

from __future__ import annotations

import math
import os
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from limlff.errors import InputError
from limlff.yaml_file import MOST_VALUES, dump_yaml, parse_yaml, read_mapping


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("1e-3", 1e-3), ("5e0", 5.0), ("2e5", 2e5), ("1E+3", 1000.0), (".5", 0.5), ("-1.", -1.0)),
        *(("010", 10), ("0o17", 15), ("0x1F", 31), ("+5", 5), ("-0", 0)),
        *(("no", "no"), ("on", "on"), ("Yes", "Yes"), ("NO", "NO"), ("y", "y")),
        *(("true", True), ("False", False), ("null", None), ("~", None), ("", None)),
        *(("1:30", "1:30"), ("2026-01-01", "2026-01-01"), ("1_000", "1_000"), ("'5'", "5")),
    ],
)
def test_plain_scalars_are_those_of_yaml_1_2(text, value):
    found = parse_yaml(f"key: {text}", "file")["key"]
    assert found == value
    assert type(found) is type(value)


def test_infinity_and_nan_are_numbers_which_configurations_refuse_by_name():
    found = parse_yaml("{a: .inf, b: -.INF, c: .nan}", "file")
    assert (found["a"], found["b"]) == (math.inf, -math.inf)
    assert math.isnan(found["c"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "key 'a' stands twice, in lines 1 and 3"),
        ("x:\n  - b: {c: 1,\n      c: 2}\n", "key 'c' stands twice, in lines 2 and 3"),
        ("{a: 1, 'a': 2}", "key 'a' stands twice, in line 1"),
        ("5: a\n'5': b", "key '5' stands twice"),
        ("<<: {a: 1}\n<<: {b: 1}", "key '<<' stands twice"),
    ],
)
def test_key_that_stands_twice_is_refused_with_both_lines(text, words):
    with pytest.raises(InputError, match=words):
        parse_yaml(text, "file")


def test_merged_keys_give_way_to_those_written():
    text = "base: &base {a: 1, b: 2}\nx: {<<: *base, b: 5}\ny: {<<: [*base, {c: 3}]}"
    found = parse_yaml(text, "file")
    assert found["x"] == {"a": 1, "b": 5}
    assert found["y"] == {"a": 1, "b": 2, "c": 3}


def test_keys_are_text_as_they_are_written():
    """A group of frames may be called 300, or no."""
    assert list(parse_yaml("{300: a, no: b, 1e3: c, null: d}", "file")) == [
        "300",
        "no",
        "1e3",
        "null",
    ]


def bomb(levels: int) -> str:
    """Each level holds the one before ten times, by aliases."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]" for n in range(levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (bomb(9), "aliases"),
        ("a: &x [1, *x]", "alias"),
        ("a: " + "[" * 5000 + "]" * 5000, "nested more than"),
        ("a: " + "{b: " * 400 + "1" + "}" * 400, "nested more than"),
        ("- " * 50_000 + "1", "nested more than"),
        ("a: [" + "1," * (MOST_VALUES + 5) + "]", "more than 100000 values"),
        ("a: " + "9" * 10_000, "no whole number"),
        ("a: !!python/object/apply:os.system ['true']", "no valid YAML"),
        ("a:\n\t- 1", "tab"),
        ("a: 1\n---\nb: 2\n", "second document"),
        ("a: [1, 2", "line 1"),
        ("[1]: 2", "a key is a list"),
        ("a: \x07", "no valid YAML"),
        ("a: *b", "undefined alias"),
    ],
)
def test_what_is_no_plain_small_yaml_is_refused_quickly_in_one_short_line(text, words):
    begin = time.monotonic()
    with pytest.raises(InputError, match=words) as refusal:
        parse_yaml(text, "file")
    assert time.monotonic() - begin < 20.0
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"# steps: 5\n", "is empty"),
        (b"- 1\n- 2\n", "holds a list"),
        (b"steps\n", "holds 'steps', not a mapping"),
        (b"steps:\xc2\xa05\n", "not a mapping"),
        (b"steps: 5 # \xe9\n", "line 1 is no UTF-8 text"),
        (b"x" * 1_100_000, "is larger than"),
    ],
)
def test_file_that_holds_no_settings_is_named(tmp_path, content, words):
    path = tmp_path / "md.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"md\.yaml: .*{words}"):
        read_mapping(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path, encoding):
    path = tmp_path / "md.yaml"
    path.write_bytes("steps: 5\r\nnotes: Å\r\n".encode(encoding))
    assert read_mapping(path) == {"steps": 5, "notes": "Å"}


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "loop", "missing"])
def test_what_is_no_file_is_refused_without_waiting(tmp_path, kind):
    path = tmp_path / "md.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    with pytest.raises(InputError, match=r"md\.yaml: cannot be read"):
        read_mapping(path)


TEXTS = st.text(max_size=12) | st.sampled_from(
    ["1e5", "no", "010", "~", "1:30", "0o7", "<<", "", "=", "\x85", "\u2028"]
)
CONTENT = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(content=st.dictionaries(TEXTS, CONTENT, max_size=4))
def test_what_is_written_is_read_back_also_by_readers_of_yaml_1_1(content):
    text = dump_yaml(content)
    assert parse_yaml(text, "file") == content
    assert yaml.safe_load(text) == content
