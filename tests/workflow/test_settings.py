"""The typed settings mirror params.yaml: what the schema accepts has a field, and a field has a key."""

import dataclasses
from typing import get_type_hints

import pytest

from sohem import params, settings
from trees import ROOT

GIVEN = params.load(ROOT / "params.yaml")
NOT_OF_TRAINING = {"instructions", "pretrain", "selective_search", "test", "window"}  # of scales.<scale>


def keys(kind):
    """Field -> the fields of the settings that it holds, or nothing."""
    hints = get_type_hints(kind)
    return {name: keys(hint) if dataclasses.is_dataclass(hint) else None for name, hint in hints.items()}


def named(part):
    return {name: named(value) if isinstance(value, dict) else None for name, value in part.items()}


@pytest.mark.parametrize("scale", list(GIVEN["scales"]))
def test_every_key_of_a_scale_has_a_field_of_its_name(scale):
    given = GIVEN["scales"][scale]
    assert keys(settings.Scale) == named({key: given[key] for key in given if key not in NOT_OF_TRAINING})
    assert keys(settings.Test) == named(given["test"])


def test_the_pretraining_on_crops_has_its_fields_too():
    assert keys(settings.Crops) == named(GIVEN["scales"]["demo"]["pretrain"])


def test_values_are_taken_over_and_lists_cannot_be_changed():
    scale = settings.of(settings.Scale, GIVEN["scales"]["paper"])
    assert (scale.train.lr, scale.rpn.train.after, scale.head.op) == (0.001, 2000, "roi_pool")
    assert scale.rpn.ratios == (0.5, 1.0, 2.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        scale.train.lr = 1.0


def test_a_missing_key_is_named():
    with pytest.raises(KeyError, match="dropout"):
        settings.of(settings.Head, {"op": "roi_pool", "pool": 7, "hidden": 16})
