"""Molecules as graphs: atoms are nodes, bonds are edges. They are written as lines of SMILES (Weininger, 1988).

In such a line each letter is an atom and is bonded to the one before it. Brackets hold a branch, `=` makes the next
bond double, and two atoms with the same digit are bonded too, which closes a ring. Hydrogens are left out: an atom has
as many as its free valences. The formulas are textbook facts; PubChem lists them without restrictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

__all__ = ["CAFFEINE", "ELEMENTS", "SIDE_CHAINS", "Molecule", "as_graph", "peptide", "peptides", "read"]

ELEMENTS = {"C": (4, 12.011), "N": (3, 14.007), "O": (2, 15.999), "S": (2, 32.06)}
"""Valence and atomic mass in g/mol."""
HYDROGEN = 1.008
"""Atomic mass in g/mol."""
CAFFEINE = "CN1C=NC2=C1C(=O)N(C)C(=O)N2C"
SIDE_CHAINS = {
    "glycine": "",
    "alanine": "C",
    "valine": "C(C)C",
    "leucine": "CC(C)C",
    "isoleucine": "C(C)CC",
    "phenylalanine": "CC1=CC=CC=C1",
    "tyrosine": "CC1=CC=C(O)C=C1",
    "tryptophan": "CC1=CNC2=CC=CC=C12",
    "serine": "CO",
    "threonine": "C(C)O",
    "cysteine": "CS",
    "methionine": "CCSC",
    "asparagine": "CC(N)=O",
    "glutamine": "CCC(N)=O",
    "aspartic acid": "CC(=O)O",
    "glutamic acid": "CCC(=O)O",
    "lysine": "CCCCN",
    "arginine": "CCCNC(N)=N",
    "histidine": "CC1=CNC=N1",
}
"""What tells 19 of the 20 amino acids of proteins apart; proline is missing, since it closes a ring with the chain."""


@dataclass(frozen=True)
class Molecule:
    """Atoms other than hydrogen, and their bonds.

    Attributes:
        atoms: the element of each.
        bonds: pairs of positions in `atoms`, and 1 or 2 for single or double.
        hydrogens: how many each atom carries.
    """

    atoms: tuple[str, ...]
    bonds: tuple[tuple[int, int, int], ...]
    hydrogens: tuple[int, ...]

    @property
    def mass(self) -> float:
        """Molar mass in g/mol."""
        return sum(ELEMENTS[atom][1] for atom in self.atoms) + HYDROGEN * sum(self.hydrogens)


def read(smiles: str) -> Molecule:
    """The molecule of a SMILES line of C, N, O and S with single and double bonds.

    Raises:
        ValueError: another sign.
    """
    atoms: list[str] = []
    bonds: list[tuple[int, int, int]] = []
    branches: list[int] = []
    rings: dict[str, int] = {}
    last, order = -1, 1
    for sign in smiles:
        if sign in ELEMENTS:
            atoms.append(sign)
            if last >= 0:
                bonds.append((last, len(atoms) - 1, order))
            last, order = len(atoms) - 1, 1
        elif sign == "(":
            branches.append(last)
        elif sign == ")":
            last = branches.pop()
        elif sign == "=":
            order = 2
        elif sign.isdigit() and sign in rings:
            bonds.append((rings.pop(sign), last, order))
            order = 1
        elif sign.isdigit():
            rings[sign] = last
        else:
            raise ValueError(f"{sign!r} in {smiles!r}: expected C, N, O, S, =, brackets and digits")
    used = [sum(order for *ends, order in bonds if place in ends) for place in range(len(atoms))]
    free = tuple(ELEMENTS[atom][0] - taken for atom, taken in zip(atoms, used, strict=True))
    return Molecule(tuple(atoms), tuple(bonds), free)


def as_graph(molecule: Molecule) -> Any:
    """PyG's `Data` of a molecule.

    Returns:
        x (n, 5) float32: which of C, N, O, S an atom is, one-hot, and how many hydrogens it carries; edge_index with
        every bond as two edges; y (1, 1), the molar mass in g/mol.
    """
    from torch_geometric.data import Data

    kinds = list(ELEMENTS)
    x = torch.zeros(len(molecule.atoms), len(kinds) + 1)
    for row, (atom, hydrogens) in enumerate(zip(molecule.atoms, molecule.hydrogens, strict=True)):
        x[row, kinds.index(atom)], x[row, -1] = 1, hydrogens
    once = torch.tensor([bond[:2] for bond in molecule.bonds]).T
    return Data(x=x, edge_index=torch.cat([once, once.flip(0)], dim=1), y=torch.tensor([[molecule.mass]]))


def peptide(names: Sequence[str]) -> Molecule:
    """The chain of some amino acids, as in a protein: the acid end of each is bonded to the nitrogen of the next.

    Args:
        names: keys of SIDE_CHAINS, at least one.
    """
    links = [f"NC({SIDE_CHAINS[name]})C(=O)" if SIDE_CHAINS[name] else "NCC(=O)" for name in names]
    return read("".join(links) + "O")


def peptides(count: int, lengths: Sequence[int], rng: np.random.Generator) -> list[Any]:
    """Random chains of amino acids as graphs; see `as_graph`.

    Args:
        count: how many.
        lengths: of chains; each is drawn as often as the others.
        rng: the only source of randomness.
    """
    names = list(SIDE_CHAINS)
    drawn = [rng.choice(len(names), int(rng.choice(list(lengths)))) for _ in range(count)]
    return [as_graph(peptide([names[place] for place in chain])) for chain in drawn]
