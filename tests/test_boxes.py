import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from sohem import boxes


def test_offsets_of_a_box_moved_and_doubled():
    # A 10x20 box with centre (5, 10); the target is 20x20 with centre (10, 15).
    offsets = boxes.encode(torch.tensor([[0.0, 0, 10, 20]]), torch.tensor([[0.0, 5, 20, 25]]))
    torch.testing.assert_close(offsets, torch.tensor([[0.5, 0.25, math.log(2), 0.0]]))


box = st.tuples(*[st.floats(0, 500, width=32)] * 2, *[st.floats(1, 300, width=32)] * 2).map(
    lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]]
)


@given(st.lists(st.tuples(box, box), min_size=1, max_size=8))
def test_decode_undoes_encode(pairs):
    start, target = (torch.tensor(side, dtype=torch.float64) for side in zip(*pairs, strict=True))
    small = (target[:, 2:] - target[:, :2]) / (start[:, 2:] - start[:, :2]) < 60  # decode bounds growth at 62.5
    found = boxes.decode(start, boxes.encode(start, target))
    keep = small.all(dim=1)
    torch.testing.assert_close(found[keep], target[keep], atol=1e-6, rtol=1e-6)


def test_flip_mirrors_and_undoes_itself():
    b = torch.tensor([[1.0, 2, 4, 8]])
    assert boxes.flip(b, 10).tolist() == [[6, 2, 9, 8]]
    assert torch.equal(boxes.flip(boxes.flip(b, 10), 10), b)


def test_covered_share_is_of_the_box_not_of_the_region():
    regions = torch.tensor([[0.0, 0, 5, 10], [8, 0, 10, 10]])
    assert boxes.covered_share(torch.tensor([[0.0, 0, 10, 10]]), regions).tolist() == [0.5]
    assert boxes.covered_share(torch.tensor([[0.0, 0, 10, 10]]), regions[:0]).tolist() == [0]
