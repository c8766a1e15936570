"""How a room offers its names: each is imported when somebody first asks for it.

So a run pays only for what it uses, whichever room it enters by (PEP 562).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module


def lazily(room: str, **modules: tuple[str, ...]) -> Callable[[str], object]:
    """The `__getattr__` of `room`: `modules` maps each of its modules to the names it offers.

    A name that is the module's own offers the module itself.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def offered(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"{room} offers no {name}")
        module = import_module(f"{room}.{homes[name]}")
        value = module if name == homes[name] else getattr(module, name)
        setattr(sys.modules[room], name, value)
        return value

    return offered
