"""Numbers on the command line: what is no count or no probability is refused with what would be right."""

from __future__ import annotations

import argparse

import pytest

from pipeline.option_types import count, probability


def parsed(kind, text):
    parser = argparse.ArgumentParser()
    parser.add_argument("--value", type=kind)
    return parser.parse_args(["--value", text]).value


@pytest.mark.parametrize("text", ["0", "-3", "1.5", "many", ""])
def test_no_count(text, capsys):
    with pytest.raises(SystemExit) as stop:
        parsed(count, f" {text}" if text.startswith("-") else text)
    assert stop.value.code == 2
    assert "give a whole number, 1 or more" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1.01", "nan", "high"])
def test_no_probability(text, capsys):
    with pytest.raises(SystemExit) as stop:
        parsed(probability, text)
    assert stop.value.code == 2
    assert "give a probability from 0 to 1" in capsys.readouterr().err


def test_numbers_that_are_taken():
    assert parsed(count, "1") == 1 and parsed(count, "250") == 250
    assert [parsed(probability, text) for text in ("0", "0.5", "1")] == [0.0, 0.5, 1.0]
