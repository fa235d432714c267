"""The helper that brings ONNX's own cases names their inputs and leaves the global generators alone."""

import numpy as np
import pytest
import torch
from onnx_cases import onnx_cases


@pytest.mark.parametrize("case", onnx_cases("Gemm"), ids=repr)
def test_gemm_cases_are_what_the_operator_says(case):
    a, b, c = (torch.from_numpy(np.asarray(case.inputs.get(name, np.float32(0)))) for name in "ABC")
    a = a.T if case.attributes.get("transA") else a
    b = b.T if case.attributes.get("transB") else b
    got = case.attributes.get("alpha", 1.0) * (a @ b) + case.attributes.get("beta", 1.0) * c
    np.testing.assert_allclose(got.numpy(), case.outputs["Y"], case.rtol, case.atol)


def test_optional_parts_keep_their_names():
    [lstm] = [case for case in onnx_cases("LSTM") if case.name == "lstm_defaults"]
    assert list(lstm.inputs) == ["X", "W", "R"]
    assert list(lstm.outputs) == ["Y_h"]
    [conv] = [case for case in onnx_cases("Conv") if case.name == "conv_with_autopad_same"]
    assert conv.attributes == {"auto_pad": "SAME_LOWER", "kernel_shape": [3, 3], "strides": [2, 2]}


def test_an_operator_without_cases_is_an_error():
    with pytest.raises(ValueError, match="no case of 'Convolve'"):
        onnx_cases("Convolve")
