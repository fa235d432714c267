import numpy as np
import pytest
import torch

from autograder.calls import Foreign
from autograder.exercise import Tolerance
from autograder.judge.compare import Match, compare, compare_seen


def match(single: bool = False) -> Match:
    return Match(Tolerance(), 32 if single else 64)


ARRAY = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]])


@pytest.mark.parametrize(
    ("expected", "got", "kind"),
    [
        (ARRAY, ARRAY.tolist(), "type"),
        (ARRAY, None, "type"),
        (ARRAY, 3.0, "type"),
        (ARRAY, Foreign("Trick"), "type"),
        (ARRAY, torch.tensor(ARRAY), "type"),
        (ARRAY, ARRAY.T, "shape"),
        (ARRAY, ARRAY[0], "shape"),
        (ARRAY, ARRAY.astype(np.float32), "dtype"),
        (ARRAY, ARRAY.astype(int), "dtype"),
        (ARRAY, ARRAY.astype(complex), "dtype"),
        (ARRAY, ARRAY + 1e-4, "values"),
        (ARRAY, np.where(ARRAY > 6, np.nan, ARRAY), "values"),
        (np.array([1, 2]), np.array([1.0, 2.0]), "dtype"),
        (np.array([1, 2]), np.array([True, False]), "dtype"),
        (np.array([1, 2]), np.array([1, 3]), "values"),
        (np.array([True, False]), np.array([1, 0]), "dtype"),
        (2, 2.5, "values"),
        (2, 3, "values"),
        (2, True, "type"),
        (2, "2", "type"),
        (0.5, np.array([0.5]), "shape"),
        (0.5, None, "type"),
        (0.5, 0.5 + 0j, "type"),
        (0.5, float("nan"), "values"),
        (0.5, 0.5001, "values"),
        (True, 1, "type"),
        (True, False, "values"),
        ("same", "valid", "values"),
        ([1, 2, 3], [1, 2], "shape"),
        ([1, 2, 3], [1, 2, 4], "values"),
        ([ARRAY], ARRAY, "type"),
        ({"t": 1}, {"step": 1}, "shape"),
        ({"t": 1}, {"t": 2}, "values"),
        ({"t": 1}, [1], "type"),
        (torch.ones(2), np.ones(2, np.float32), "type"),
        (torch.ones(2), torch.ones(2, dtype=torch.float64), "dtype"),
        (torch.ones(2), torch.ones(3), "shape"),
        (torch.ones(2), torch.tensor([1.0, 1.1]), "values"),
        (torch.tensor([True, False]), torch.tensor([1, 0]), "dtype"),
        (torch.tensor([True, False]), torch.tensor([True, True]), "values"),
        (torch.tensor([2**60 + 1]), torch.tensor([2**60]), "values"),
        (torch.ones(2, dtype=torch.complex64), torch.ones(2), "dtype"),
        (torch.ones(2, dtype=torch.complex64), torch.ones(2, dtype=torch.complex128), "dtype"),
        (torch.ones(2, dtype=torch.complex64), 1j * torch.ones(2), "values"),
        (torch.ones(2), [1.0, 1.0], "type"),
        (torch.tensor(2), 2.5, "dtype"),
        (torch.tensor(2.5), 2.4, "values"),
        (torch.tensor(2.5), torch.tensor([2.5]), "shape"),
        ({"m": [torch.ones(2)]}, {"m": [torch.zeros(2)]}, "values"),
        ({"m": [torch.ones(2)]}, {"m": torch.ones(1, 2)}, "type"),
        (True, torch.tensor(1), "type"),
    ],
)
def test_a_difference_has_its_kind(expected, got, kind):
    found = compare(expected, got, match())
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (ARRAY, ARRAY + 1e-9),
        (ARRAY, np.asfortranarray(ARRAY)),
        (np.array([1, 2]), np.array([1, 2], np.int32)),
        (np.array([1, 2]), np.array([1, 2], np.uint8)),
        (0.5, np.float64(0.5)),
        (0.5, np.array(0.5)),
        (1.0, 1),
        (3, np.int64(3)),
        (3, np.array(3)),
        (float("inf"), np.inf),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf])),
        (True, np.True_),
        (torch.ones(2), torch.ones(2, requires_grad=True)),
        (torch.ones(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.bfloat16)),
        (True, torch.tensor(True)),
        (3, torch.tensor(3)),
        (0.5, torch.tensor(0.5, requires_grad=True)),
        (np.array(0.5), 0.5),
        ({"t": 1, "m": [torch.ones(2)]}, {"m": [torch.ones(2)], "t": 1}),
        (1 + 2j, torch.tensor(1 + 2j, dtype=torch.complex128)),
    ],
)
def test_what_means_the_same_passes_without_a_remark(expected, got):
    state = match()
    assert compare(expected, got, state) is None
    assert state.remarks == []


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (ARRAY.astype(np.float32), ARRAY),
        ([1, 2], (1, 2)),
        ((ARRAY, 1.0), [ARRAY, 1.0]),
        ([1, 2], np.array([1, 2])),
        (4, 4.0),
        ([1, 2], torch.tensor([1, 2])),
        (torch.tensor(2.5), 2.5),
        (torch.tensor(2), 2),
    ],
)
def test_what_is_a_little_off_passes_with_one_remark(expected, got):
    state = match()
    assert compare(expected, got, state) is None
    assert len(state.remarks) == 1


def test_single_precision_widens_the_tolerance_for_plain_numbers():
    assert compare(0.5, 0.5 + 1e-6, match(single=False)) is not None
    assert compare(0.5, 0.5 + 1e-6, match(single=True)) is None


def test_the_message_says_where_first_and_how_many():
    wrong = ARRAY.copy()
    wrong[1, 0] = 9
    found = compare(ARRAY, wrong, match())
    assert found is not None
    assert "1 of 6 numbers differ" in found.message
    assert "the first, [1, 0], is 9.0, expected 4.0" in found.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: -a, "sign is flipped"),
        (lambda a: a * 2.5, "2.5 times the expected"),
        (lambda a: a * 0, "zero everywhere"),
        (lambda a: a + 0.25, "off by 0.25"),
        (lambda a: a[::-1].copy(), "another order"),
        (lambda a: a * np.nan, "nan or inf"),
    ],
)
def test_simple_relations_are_told(change, words):
    found = compare(ARRAY, change(ARRAY), match())
    assert found is not None
    assert words in found.message


Z = np.array([1 + 2j, 3 - 1j, 0.5j])


@pytest.mark.parametrize(
    ("expected", "got", "words"),
    [
        (Z, Z.conj(), "complex conjugate"),
        (Z, -Z, "sign is flipped"),
        (Z, 1j * Z, "i times the expected"),
        (Z, 2 * Z, "2 times the expected"),
        (Z, (2 + 1j) * Z, "2+1j times the expected"),
        (Z, Z.real + 0j, "imaginary parts are missing"),
        (Z, Z.imag + 1j * Z.real, "parts are swapped"),
        (Z, Z * np.nan, "nan or inf"),
        (Z, Z[::-1].copy(), "another order"),
        (torch.tensor([True, False]), torch.tensor([False, True]), "True and False are swapped"),
        (torch.tensor([True, False, True]), torch.tensor([True] * 3), "3 are True in all, expected 2"),
    ],
)
def test_relations_of_complex_numbers_and_masks(expected, got, words):
    found = compare(expected, got, match())
    assert found is not None
    assert words in found.message


def test_the_place_inside_nested_answers_is_named():
    found = compare([(ARRAY, 1.0), (ARRAY, 2.0)], [(ARRAY, 1.0), (ARRAY, 3.0)], match())
    assert found is not None
    assert "result[1][1]" in found.message


def test_a_reference_of_unknown_type_is_the_courses_own_fault():
    with pytest.raises(TypeError, match="does not support"):
        compare(object(), 1, match())


def test_a_number_too_large_for_a_float_is_a_wrong_number():
    found = compare(0.5, 10**400, match())
    assert found is not None
    assert found.kind == "values"
    assert "(401 digits)" in found.message
    assert compare(7, 10**400, match()) is not None


def test_numbers_that_nearly_agree_are_shown_apart_and_called_close():
    near = ARRAY + np.array([[1e-6, 0, 0], [0, 0, 0]])
    found = compare(ARRAY, near, match())
    assert found is not None
    assert "is 1.000001, expected 1" in found.message
    assert "another order" not in found.message
    assert "close" in found.message


def test_one_number_is_not_everywhere():
    found = compare((ARRAY, 1.0), (ARRAY, 0.0), match())
    assert found is not None
    assert "everywhere" not in found.message


@pytest.mark.parametrize(
    ("expected", "got", "said"),
    [
        ({"floats made": False, "sum": 1.0}, {"floats made": True, "sum": 2.0}, "floats made: yes; expected no"),
        ({"left_alone": True}, {"left_alone": False}, "left alone: no; expected yes"),
        ({"gradient of a": 1.0, "gradient of b": 2.0}, {"gradient of a": 1.0}, "there is no gradient of b"),
        ({"sum": 1.0}, {"sum": 2.0}, "the sum is 2.0; expected 1.0"),
    ],
)
def test_what_an_observer_saw_goes_by_its_name(expected, got, said):
    found = compare_seen(expected, got, match())
    assert found is not None
    assert found.message == said
    assert compare_seen(expected, expected, match()) is None
