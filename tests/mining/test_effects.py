"""What mining does to training, shown on made-up RoIs: a real head, real losses and miners, no images.

Nobody may test that S-OHEM beats OHEM: at this size chance is larger than the difference. These are the mechanisms.
"""

import torch

from sohem import params
from sohem.detectors.heads import RoIHead
from sohem.mining import miners
from sohem.mining.losses import roi_losses
from sohem.mining.miner import Moment
from sohem.mining.select import hardest
from sohem.randomness import stream
from toy import ROOT

GIVEN = params.load(ROOT / "params.yaml")
METHODS = {name: params.method(GIVEN, name, "kitti") for name in GIVEN["methods"]}  # without a bound of background
CLASSES, CHANNELS, ROIS, BATCH = 3, 24, 200, 64


class World:
    """RoIs whose features tell class and offsets, with noise; an eighth is foreground, boxes lie apart."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.mixing = torch.randn(CLASSES + 1 + 4, CHANNELS, generator=stream(seed, "world"))
        corner = torch.arange(ROIS).float()[:, None] * 20
        self.boxes = torch.cat([corner, corner, corner + 10, corner + 10], dim=1)

    def rois(self, *name):
        """Pooled features [R, C, 1, 1], labels [R], targets [R, 4]."""
        generator = stream(self.seed, *name)
        labels = torch.randint(1, CLASSES + 1, (ROIS,), generator=generator)
        labels[torch.rand(ROIS, generator=generator) > 1 / 8] = 0
        targets = torch.randn(ROIS, 4, generator=generator) * (labels > 0)[:, None]
        meaning = torch.cat([torch.nn.functional.one_hot(labels, CLASSES + 1).float(), targets], dim=1)
        noise = 0.5 * torch.randn(ROIS, CHANNELS, generator=generator)
        return (meaning @ self.mixing + noise)[:, :, None, None], labels, targets

    def train(self, method: str, steps: int = 80):
        """A head after some steps, and the mean L_loc per foreground RoI of RoIs that it has not seen."""
        miner = miners.build(method, METHODS[method], BATCH, steps, "ratio")
        head = RoIHead(CHANNELS, 1, 32, CLASSES, dropout=0.0)
        head.initialise(stream(self.seed, "head"))
        optimiser = torch.optim.SGD(head.parameters(), lr=0.05, momentum=0.9)
        for step in range(steps):
            features, labels, targets = self.rois("train", step)
            with torch.no_grad():
                l_cls, l_loc = roi_losses(*head(features), labels, targets)
            moment = Moment(step + 1, generator=stream(self.seed, "draw", step))
            chosen = miner.choose({"cls": l_cls, "loc": l_loc}, self.boxes, labels, moment)
            cls, loc = roi_losses(*head(features[chosen]), labels[chosen], targets[chosen])
            optimiser.zero_grad()
            (cls.mean() + loc.mean()).backward()
            optimiser.step()
        unseen = [self.rois("test", k) for k in range(20)]
        features, labels, targets = (torch.cat(parts) for parts in zip(*unseen, strict=True))
        with torch.no_grad():
            _, l_loc = roi_losses(*head(features), labels, targets)
        return head, l_loc[labels > 0].mean().item()


def test_ohem_localises_unseen_foreground_better_than_random_sampling():
    worlds = [World(seed) for seed in range(4)]
    ohem, random = (sum(world.train(method)[1] for world in worlds) / 4 for method in ("ohem", "random"))
    assert ohem < 0.9 * random


def test_the_selected_set_follows_the_schedule():
    """L_cls alone at first; then foreground with high L_loc displaces background, more the larger beta is."""
    world = World(0)
    head, _ = world.train("ohem", steps=30)
    features, labels, targets = world.rois("look")
    with torch.no_grad():
        l_cls, l_loc = roi_losses(*head(features), labels, targets)
    miner = miners.build("sohem", METHODS["sohem"], 16, 1000, 1.9)
    localisation = []
    for iteration in (1, 500, 600, 700, 750, 1000):
        chosen = miner.choose({"cls": l_cls, "loc": l_loc}, world.boxes, labels, Moment(iteration))
        if iteration <= 500:
            assert chosen.tolist() == hardest(l_cls, world.boxes, labels, 16).tolist()
        localisation.append(l_loc[chosen].mean().item())
    assert localisation == sorted(localisation)
    assert localisation[-1] > 1.2 * localisation[0]
    assert localisation[-1] == localisation[-2]  # beta stays at its target
