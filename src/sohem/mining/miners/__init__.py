"""The miners, each in a module of its own, found by the name that ``methods.<name>.miner`` gives them."""

import importlib
import pkgutil

from sohem.errors import MiningError, ParamsError
from sohem.mining.miner import Miner, Settings


def registry() -> dict[str, type[Miner]]:
    """Name in params.yaml -> class, of every module in this folder. Loads no torch."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    classes = [kind for module in modules for kind in vars(module).values() if isinstance(kind, type)]
    return {kind.name: kind for kind in classes if issubclass(kind, Miner) and hasattr(kind, "name")}


def build(name: str, method: Settings, batch_size: int, total_steps: int, beta_target: float | str) -> Miner:
    """The miner of ``methods.<name>`` of the parameters (its settings as `params.method` has them).

    Args:
        batch_size: B of an image.
        total_steps: iterations of the whole run.
        beta_target: what a target of "dataset" stands for, a number or "ratio".

    Raises:
        ParamsError: names the key and what is allowed.
    """
    known = registry()
    if method["miner"] not in known:
        raise ParamsError(f"methods.{name}.miner: {method['miner']!r} is no miner; expected one of {', '.join(known)}")
    try:
        return known[method["miner"]].from_settings(method, batch_size, total_steps, beta_target)
    except MiningError as error:
        raise ParamsError(f"methods.{name}: {error}") from None
