"""The settings of a deployed app, as far as a person may use them from their own machine.

They are asked for by Azure's own command line, with its login and its cloud. Only what the detector
reads is taken: what chooses the app's identity would break a person's login.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from typing import Final

from detector.errors import OperatorError

_TAKEN: Final = re.compile(
    r"DETECTOR_\w+|AzureWebJobsStorage__(accountName|blobServiceUri|queueServiceUri)",
    re.IGNORECASE,
)
_CONNECTION: Final = "AzureWebJobsStorage"
_ACCOUNT: Final = re.compile(r"(?:^|;)AccountName=([a-z0-9]{3,24})(?:;|$)", re.IGNORECASE)
_REFERENCE: Final = "@Microsoft."
_SECONDS: Final = 120


def settings_of_app(name: str, group: str) -> tuple[dict[str, str], Sequence[str]]:
    """The settings of the function app, and the names of those that are references elsewhere.

    Raises OperatorError where they cannot be had.
    """
    az = shutil.which("az")
    if az is None:
        raise OperatorError("--app needs Azure's command line, `az`; install it and run `az login`")
    listing = ("functionapp", "config", "appsettings", "list", "--name", name)
    try:
        done = subprocess.run(  # noqa: S603 -- a list of arguments, and no shell
            [az, *listing, "--resource-group", group, "--output", "json"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_SECONDS,
            check=False,
        )
        listed = json.loads(done.stdout) if done.returncode == 0 else None
    except (ValueError, OSError, subprocess.TimeoutExpired) as error:
        raise OperatorError(f"az {' '.join(listing)}: {type(error).__name__}") from error
    if listed is None:
        said = done.stderr.strip().splitlines()
        raise OperatorError(
            f"az {' '.join(listing)} failed: {said[-1] if said else 'it says nothing'}; see that "
            "you are signed in (`az login`), and may read the settings (Website Contributor)"
        )
    return _taken({str(each["name"]): str(each.get("value") or "") for each in listed})


def _taken(values: dict[str, str]) -> tuple[dict[str, str], Sequence[str]]:
    taken = {name: value for name, value in values.items() if _TAKEN.fullmatch(name)}
    references = [name for name, value in taken.items() if value.startswith(_REFERENCE)]
    account = _ACCOUNT.search(values.get(_CONNECTION, ""))
    if account:  # its key stays where it is: a person signs in
        taken[f"{_CONNECTION}__accountName"] = account[1]
    return {name: taken[name] for name in taken if name not in references}, sorted(references)
