"""Which miners weigh the losses by Formula (1): OHEM with alpha = beta = 1, S-OHEM with a schedule."""

SCHEDULED = {"ohem": False, "sohem": True}  # the others choose by other rules


def uses_formula_1(miner: str) -> bool:
    """Whether a miner chooses by alpha L_cls + beta L_loc, so that alpha and beta of its log mean something."""
    return miner in SCHEDULED


def has_schedule(miner: str) -> bool:
    """Whether alpha and beta change in the course of training."""
    return SCHEDULED.get(miner, False)
