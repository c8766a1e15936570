"""Whether what is deployed has known vulnerabilities, by the report of pip-audit.

    python .ci/audit.py REPORT

Ends with 1 where it has. What could not be found out, since the audit's data was out of reach, is
said and fails nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(report: Path) -> int:
    """Say what the report says; the exit code."""
    text = report.read_text(encoding="utf-8") if report.is_file() else ""
    if not text:
        print("audit: nothing is known, since its data could not be had here", file=sys.stderr)
        return 0
    packages = json.loads(text)["dependencies"]
    skipped = [each for each in packages if "skip_reason" in each]
    found = [(each, known) for each in packages for known in each.get("vulns", ())]
    for package, known in found:
        mended = ", ".join(known["fix_versions"]) or "no version yet"
        print(f"audit: {package['name']} {package['version']}: {known['id']}, mended by {mended}")
    if skipped:
        print(
            f"audit: of {len(skipped)} of {len(packages)} packages nothing is known, "
            f"such as: {skipped[0]['skip_reason']}",
            file=sys.stderr,
        )
    print(f"audit: {len(packages) - len(skipped)} packages, {len(found)} known vulnerabilities")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
