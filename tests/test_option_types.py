"""Numbers on the command line: what is none of the kind is refused with what would be right."""

from __future__ import annotations

import argparse

import pytest

from pipeline.option_types import count, natural, port, probability


def parsed(kind, text):
    parser = argparse.ArgumentParser()
    parser.add_argument("--value", type=kind)
    return parser.parse_args(["--value", text]).value


@pytest.mark.parametrize(
    ("kind", "least", "text"),
    [
        *((count, 1, text) for text in ("0", "-3", "1.5", "many", "")),
        *((natural, 0, text) for text in ("-1", "0.5", "")),
    ],
)
def test_no_whole_number(kind, least, text, capsys):
    with pytest.raises(SystemExit) as stop:
        parsed(kind, text)
    assert stop.value.code == 2
    assert f"give a whole number, {least} or more" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["65536", "-1", "http", ""])
def test_no_port(text, capsys):
    with pytest.raises(SystemExit) as stop:
        parsed(port, text)
    assert stop.value.code == 2
    assert "give a port, a whole number from 0 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1.01", "nan", "high"])
def test_no_probability(text, capsys):
    with pytest.raises(SystemExit) as stop:
        parsed(probability, text)
    assert stop.value.code == 2
    assert "give a probability from 0 to 1" in capsys.readouterr().err


def test_numbers_that_are_taken():
    assert [parsed(count, text) for text in ("1", "17")] == [1, 17]
    assert parsed(natural, "0") == 0
    assert [parsed(port, text) for text in ("0", "65535")] == [0, 65535]
    assert [parsed(probability, text) for text in ("0", "0.5", "1")] == [0.0, 0.5, 1.0]
