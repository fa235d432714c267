"""The glossary's rows as tables, and the names that they give in PyTorch and PyG."""

import importlib
import re

import pytest
import torch
from bs4 import BeautifulSoup
from torch.nn import functional

from course_lib.glossary import Glossary, Word, glossary

WORDS = Glossary((Word("a <bend>", "non-linear", "`nn.ReLU`", "02_mlp_forward"), Word("b", "c", "", "11_x")), "..")


def test_a_row_is_escaped_and_leads_to_its_notebook():
    table = BeautifulSoup(WORDS.html(), "html.parser")
    first, second = table.select("tbody tr")
    assert first.select_one("b").get_text() == "non-linear"
    assert [code.get_text() for code in first.select("code")] == ["nn.ReLU"]
    assert first.td.get_text() == "a <bend>"
    links = [(row.a.get_text(), row.a["href"]) for row in (first, second)]
    assert links == [("2", "../02_mlp_forward/02_mlp_forward.ipynb"), ("11", "../11_x/11_x.ipynb")]


def test_it_is_plain_text_where_there_is_no_html():
    assert str(WORDS).splitlines() == ["a <bend>  non-linear (2)  `nn.ReLU`", "b         c (11)"]
    assert set(WORDS._repr_mimebundle_()) == {"text/html", "text/plain"}


def test_markdown_has_a_line_for_each_row():
    lines = WORDS.markdown().splitlines()
    assert len(lines) == 4
    assert lines[3] == "| b | **c** |  | [11](../11_x/11_x.ipynb) |"


NAMES = sorted(
    {
        found[0]
        for word in glossary().words
        for code in re.findall(r"`([^`]+)`", word.torch)
        if (found := re.match(r"(?:torch|nn|functional)(?:\.\w+)+", code))
    }
)


@pytest.mark.parametrize("name", NAMES)
def test_names_in_pytorch_exist(name):
    top, *parts = name.split(".")
    found = {"torch": torch, "nn": torch.nn, "functional": functional}[top]
    for part in parts:
        if not hasattr(found, part):
            importlib.import_module(f"{found.__name__}.{part}")
        found = getattr(found, part)
    assert len(NAMES) > 15
