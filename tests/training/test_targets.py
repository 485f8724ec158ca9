import torch

from sohem.training.targets import FIXED_STD, label_rois, target_statistics


def test_labels_follow_the_best_overlap():
    boxes, labels = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10]]), torch.tensor([3, 5])
    rois = torch.tensor([
        [0.0, 0, 10, 10],   # the first object itself
        [20, 0, 30, 20],    # IoU 100 / 200 with the second: exactly the threshold counts
        [20, 0, 30, 21],    # 100 / 210: below
        [50, 50, 60, 60],   # nothing: background without a lower bound
    ])  # fmt: skip
    found, offsets, overlaps = label_rois(rois, boxes, labels, torch.zeros(0, 4), 0.5)
    assert found.tolist() == [3, 5, 0, 0]
    torch.testing.assert_close(overlaps, torch.tensor([1.0, 0.5, 100 / 210, 0.0]))
    assert offsets[0].tolist() == [0, 0, 0, 0]
    torch.testing.assert_close(offsets[1], torch.tensor([0.0, -0.25, 0.0, -0.6931472]))
    assert offsets[2:].abs().sum() == 0


def test_background_in_an_ignored_region_is_neither():
    ignored = torch.tensor([[0.0, 0, 10, 10]])
    rois = torch.tensor([[0.0, 0, 8, 8], [6, 0, 16, 10], [0, 0, 10, 10]])
    boxes = torch.tensor([[0.0, 0, 10, 10]])
    assert label_rois(rois, boxes[:0], torch.zeros(0, dtype=torch.long), ignored, 0.5)[0].tolist() == [-1, 0, -1]
    # An object inside the region stays an object.
    assert label_rois(rois, boxes, torch.tensor([2]), ignored, 0.5)[0].tolist() == [2, 0, 2]


def test_an_image_without_objects_is_all_background():
    rois = torch.tensor([[0.0, 0, 8, 8]])
    none = torch.zeros(0, 4)
    labels, offsets, overlaps = label_rois(rois, none, torch.zeros(0, dtype=torch.long), none, 0.5)
    assert labels.tolist() == [0]
    assert offsets.tolist() == [[0, 0, 0, 0]]
    assert overlaps.tolist() == [0]


def test_statistics_are_per_class():
    offsets = torch.tensor([[0.0, 1, 2, 3], [2, 1, 2, 5], [9, 9, 9, 9]])
    mean, std = target_statistics(torch.tensor([1, 1, 2]), offsets, classes=2)
    assert mean[1].tolist() == [1, 1, 2, 4]
    torch.testing.assert_close(std[1], torch.tensor([1.0, 0.001, 0.001, 1.0]))
    torch.testing.assert_close(std[2], torch.tensor(FIXED_STD))  # one RoI has no spread
    assert mean[0].tolist() == [0, 0, 0, 0]
