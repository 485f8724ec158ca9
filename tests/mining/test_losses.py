"""Losses of single RoIs, against numbers worked out by hand."""

import math

import pytest
import torch

from sohem.mining.losses import roi_losses, smooth_l1


def test_smooth_l1_is_quadratic_near_zero_and_linear_beyond():
    difference = torch.tensor([[0.5, 0, 0, 0], [2.0, 0, 0, 0], [0.5, -2.0, 1.0, 0]])
    # 0.5 * 0.5^2 = 0.125;  2 - 0.5 = 1.5;  0.125 + 1.5 + 0.5
    assert smooth_l1(difference).tolist() == [0.125, 1.5, 2.125]


def test_smooth_l1_of_the_proposal_network_bends_at_a_ninth():
    difference = torch.tensor([[0.1, 0, 0, 0], [1.0, 0, 0, 0]])
    # 0.5 * (3 * 0.1)^2 = 0.045;  1 - 0.5 / 9
    assert smooth_l1(difference, sigma=3).tolist() == pytest.approx([0.045, 1 - 0.5 / 9])


def test_the_papers_localisation_gap():
    """0.11 and 0.12 (paper 3.1.2) are differences of 0.469 and 0.490 in one coordinate."""
    difference = torch.tensor([[0.469, 0, 0, 0], [0.490, 0, 0, 0]])
    assert smooth_l1(difference).tolist() == pytest.approx([0.11, 0.12], abs=5e-4)


def test_losses_of_a_foreground_a_background_and_an_ignored_roi():
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25], [0.8, 0.1, 0.1], [0.2, 0.4, 0.4]]))
    deltas = torch.zeros(3, 3, 4)
    deltas[:, 2] = 2.0  # the row of class 2; the others are right
    labels = torch.tensor([2, 0, -1])
    l_cls, l_loc = roi_losses(logits, deltas, labels, torch.zeros(3, 4))
    assert l_cls.tolist() == pytest.approx([math.log(4), -math.log(0.8), 0])
    assert l_loc.tolist() == [4 * 1.5, 0, 0]  # background and ignored have none


def test_only_the_row_of_the_true_class_counts():
    deltas = torch.full((1, 4, 4), 9.0)
    deltas[0, 3] = torch.tensor([0.1, 0.2, 0.3, 0.4])
    _, l_loc = roi_losses(torch.zeros(1, 4), deltas, torch.tensor([3]), deltas[:, 3])
    assert l_loc.tolist() == [0]


def test_sigma_reaches_the_localisation_loss():
    _, l_loc = roi_losses(torch.zeros(1, 2), torch.ones(1, 2, 4), torch.tensor([1]), torch.zeros(1, 4), sigma=3)
    assert l_loc.item() == pytest.approx(4 * (1 - 0.5 / 9))


def test_unused_targets_may_be_nan_and_leave_the_gradient_clean():
    deltas = torch.ones(2, 2, 4, requires_grad=True)
    targets = torch.tensor([[0.0] * 4, [math.nan] * 4])
    l_cls, l_loc = roi_losses(torch.zeros(2, 2), deltas, torch.tensor([1, 0]), targets)
    (l_cls + l_loc).sum().backward()
    assert deltas.grad is not None
    assert deltas.grad[0, 1].tolist() == [1.0] * 4
    assert deltas.grad.abs().sum() == 4  # nothing from the background RoI


def test_no_rois():
    l_cls, l_loc = roi_losses(
        torch.zeros(0, 3), torch.zeros(0, 3, 4), torch.zeros(0, dtype=torch.long), torch.zeros(0, 4)
    )
    assert l_cls.shape == l_loc.shape == (0,)
