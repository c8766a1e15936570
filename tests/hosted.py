"""The functions of the app as the host finds them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import function_app


@cache
def triggers() -> dict[str, dict[str, Any]]:
    """The first binding of each function, by its name; the app can be asked once in a process."""
    return {
        str(each.get_function_name()): json.loads(str(each))["bindings"][0]
        for each in function_app.app.get_functions()
    }
