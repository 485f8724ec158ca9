"""The fully connected layer: torch's own numbers, whichever library multiplies."""

import pytest
import torch
from torch import nn

from sohem.detectors.linear import Linear


def both(rows: int, inputs: int, outputs: int) -> tuple[Linear, nn.Linear, torch.Tensor]:
    """This layer and torch's with the same weights, and an input."""
    generator = torch.Generator().manual_seed(3)
    ours, theirs = Linear(inputs, outputs), nn.Linear(inputs, outputs)
    for weight in ours.parameters():
        nn.init.normal_(weight, generator=generator)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs, torch.randn(rows, inputs, generator=generator)


def test_by_hand() -> None:
    layer = Linear(3, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]]))
        layer.bias.copy_(torch.tensor([10.0, 20.0]))
    x = torch.tensor([[1.0, 1.0, 1.0], [2.0, 0.0, -2.0]], requires_grad=True)
    y = layer(x)
    assert y.tolist() == [[16.0, 19.5], [6.0, 19.0]]
    y.backward(torch.tensor([[1.0, 0.0], [2.0, 4.0]]))
    assert x.grad.tolist() == [[1.0, 2.0, 3.0], [2.0, 0.0, 8.0]]  # gradient times weight
    assert layer.weight.grad.tolist() == [[5.0, 1.0, -3.0], [8.0, 0.0, -8.0]]  # gradient transposed times x
    assert layer.bias.grad.tolist() == [3.0, 4.0]


@pytest.mark.parametrize(("rows", "inputs", "outputs"), [(1, 7, 5), (63, 200, 84), (64, 321, 256)])
def test_torch_s_numbers_up_to_rounding(rows: int, inputs: int, outputs: int) -> None:
    ours, theirs, x = both(rows, inputs, outputs)
    found = []
    for layer in (ours, theirs):
        given = x.clone().requires_grad_()
        y = layer(given)
        y.square().sum().backward()
        found.append([y, given.grad, layer.weight.grad, layer.bias.grad])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(b.detach().abs().max()))


def test_views_that_are_not_contiguous() -> None:
    ours, theirs, x = both(10, 12, 6)
    wide = torch.cat([x, x], dim=1)[:, ::2]
    torch.testing.assert_close(ours(wide), theirs(wide))
    expanded = x[:1].expand(10, 12).requires_grad_()
    torch.testing.assert_close(ours(expanded), theirs(expanded))


def test_no_roi_at_all() -> None:
    ours, _, x = both(0, 12, 6)
    y = ours(x)
    assert y.shape == (0, 6)
    y.sum().backward()
    assert ours.weight.grad.abs().sum() == 0


def test_frozen_weights_get_no_gradient() -> None:
    ours, _, x = both(4, 12, 6)
    ours.requires_grad_(False)
    given = x.requires_grad_()
    ours(given).sum().backward()
    assert ours.weight.grad is None
    torch.testing.assert_close(given.grad, ours.weight.sum(0).expand(4, 12))


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_other_types_go_torch_s_way(kind: torch.dtype) -> None:
    ours, theirs, x = both(9, 12, 6)
    assert torch.equal(ours.to(kind)(x.to(kind)), theirs.to(kind)(x.to(kind)))


def test_autocast_goes_torch_s_way() -> None:
    ours, theirs, x = both(9, 12, 6)
    with torch.autocast("cpu", torch.bfloat16):
        y = ours(x)
        assert y.dtype == torch.bfloat16
        assert torch.equal(y, theirs(x))


def test_files_of_weights_are_torch_s() -> None:
    ours, theirs, _ = both(1, 12, 6)
    assert list(ours.state_dict()) == list(theirs.state_dict())
