"""Molecules are what chemistry says they are."""

from collections import Counter

import numpy as np
import pytest
import torch

from course_lib import molecules

FORMULAS = {
    "glycine": ("C2H5NO2", 75.07),
    "leucine": ("C6H13NO2", 131.17),
    "isoleucine": ("C6H13NO2", 131.17),
    "tyrosine": ("C9H11NO3", 181.19),
    "tryptophan": ("C11H12N2O2", 204.23),
    "threonine": ("C4H9NO3", 119.12),
    "cysteine": ("C3H7NO2S", 121.15),
    "methionine": ("C5H11NO2S", 149.21),
    "glutamine": ("C5H10N2O3", 146.14),
    "aspartic acid": ("C4H7NO4", 133.10),
    "lysine": ("C6H14N2O2", 146.19),
    "arginine": ("C6H14N4O2", 174.20),
    "histidine": ("C6H9N3O2", 155.16),
}
"""From textbooks."""


def formula(molecule):
    counts = Counter(molecule.atoms) + Counter({"H": sum(molecule.hydrogens)})
    return "".join(element + (str(counts[element]) if counts[element] > 1 else "") for element in sorted(counts))


@pytest.mark.parametrize("name", FORMULAS)
def test_an_amino_acid_has_its_formula_and_its_mass(name):
    molecule = molecules.peptide([name])
    assert formula(molecule) == FORMULAS[name][0]
    assert molecule.mass == pytest.approx(FORMULAS[name][1], abs=0.02)


def test_caffeine_is_two_rings():
    caffeine = molecules.read(molecules.CAFFEINE)
    assert formula(caffeine) == "C8H10N4O2"
    assert len(caffeine.bonds) - len(caffeine.atoms) + 1 == 2
    assert caffeine.mass == pytest.approx(194.19, abs=0.01)


def test_each_link_of_a_chain_gives_off_water():
    chain = ["lysine", "glycine", "histidine"]
    apart = sum(molecules.peptide([name]).mass for name in chain)
    assert molecules.peptide(chain).mass == pytest.approx(apart - 2 * 18.015, abs=0.001)


def test_as_a_graph_atoms_are_rows_and_bonds_are_two_edges():
    graph = molecules.as_graph(molecules.read("CC(=O)O"))
    assert graph.x.tolist() == [[1, 0, 0, 0, 3], [1, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, 0, 1]]
    assert sorted(graph.edge_index.T.tolist()) == [[0, 1], [1, 0], [1, 2], [1, 3], [2, 1], [3, 1]]
    assert graph.y.tolist() == [[pytest.approx(60.05, abs=0.01)]]


def test_chains_are_drawn_from_the_generator():
    first, again, other = (molecules.peptides(20, (1, 3), np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert all(torch.equal(one.x, two.x) for one, two in zip(first, again, strict=True))
    assert [len(one.x) for one in first] != [len(one.x) for one in other]


def test_an_unknown_sign_is_named():
    with pytest.raises(ValueError, match="'X' in 'CXC'"):
        molecules.read("CXC")
