"""Agreement of two choices: counts and means worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from sohem.evaluation import overlap
from sohem.evaluation.overlap import COLUMNS, exchange, mean_of_runs, summary


def mask(*taken, of=6):
    return np.isin(np.arange(of), taken)


def test_what_is_shared_and_what_is_exchanged():
    l_cls, l_loc = np.array([4.0, 3, 2, 1, 0.5, 0]), np.array([0.0, 0, 1, 0, 2, 0])
    found = exchange(mask(0, 1, 2), mask(0, 3, 4), l_cls, l_loc)
    assert found == (3, 3, 1, 2.5, 0.5, 0.75, 1.0)  # 1 and 2 against 3 and 4


def test_equal_choices_exchange_nothing():
    found = exchange(mask(0, 1), mask(0, 1), np.ones(6), np.ones(6))
    assert found[:3] == (2, 2, 2)
    assert np.isnan(found[3:]).all()


def test_one_choice_may_be_smaller():
    found = exchange(mask(0, 1), mask(1), np.arange(6.0), np.zeros(6))
    assert found[:5] == (2, 1, 1, 0.0, 0.0)
    assert np.isnan(found.cls_other)


def row(seed, iteration, shared, beta=0.0, method="sohem", other="ohem"):
    numbers = {"left": 40, "foreground_left": 2, "taken": 4, "taken_other": 5, "shared": shared}
    return {"method": method, "seed": seed, "other": other, "iteration": iteration, "beta": beta, **numbers}


TABLE = pd.DataFrame(
    [
        *(row(0, 2, 5), row(0, 4, 4, 1.0), row(0, 6, 3, 1.9), row(0, 8, 2, 1.9)),
        *(row(3, 2, 5), row(3, 4, 5, 1.0), row(3, 6, 5, 1.9), row(3, 8, 3, 1.9)),
        *(row(0, 8, 1, method="ohem", other="sohem"), row(0, 8, 0, other="random")),
    ]
).reindex(columns=COLUMNS)


def test_shares_are_averaged_over_iterations_and_then_over_runs():
    found = summary(TABLE, "sohem", "ohem", 0.95)
    # Runs: (5 + 4 + 3 + 2) / 20 = 0.7 and (5 + 5 + 5 + 3) / 20 = 0.9; t with one degree of freedom is 12.706,
    # so 0.8 -+ 12.706 * 0.1, cut to what a share can be. After three quarters of 8 iterations: 2 / 5 and 3 / 5.
    assert found.share == pytest.approx((0.8, 0.0, 1.0))
    assert found.late == pytest.approx((0.5, 0.0, 1.0))
    assert found.beta == 1.9
    assert found.left == pytest.approx(40 / 4)
    assert found.foreground == pytest.approx(2 / 40)
    assert found.seeds == 2


def test_one_run_has_no_interval_and_a_pair_without_rows_has_nothing():
    found = summary(TABLE, "ohem", "sohem", 0.95)
    assert found.share == (0.2, None, None)
    assert found.beta is None  # the same from beginning to end
    assert summary(TABLE, "ohem", "random", 0.95) is None
    assert summary(pd.DataFrame(columns=COLUMNS), "sohem", "ohem", 0.95) is None


def test_the_interval_over_runs_is_students():
    # Mean 0.5, standard deviation 0.1, t(2) at 97.5 % is 4.3027: 0.5 -+ 4.3027 * 0.1 / sqrt(3)
    assert mean_of_runs([0.4, 0.5, 0.6], 0.95) == pytest.approx((0.5, 0.25159, 0.74841), abs=1e-5)


def test_late_begins_where_beta_has_its_target():
    from sohem import params
    from trees import ROOT

    assert params.load(ROOT / "params.yaml")["methods"]["sohem"]["beta"]["end"] == overlap.LATE
