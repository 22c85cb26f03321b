#!/usr/bin/env python3
"""Fails when a shell script does not parse, or would ignore a failed command.

Each script must be executable, start with a bash line and say `set -euo
pipefail`, except those that only `exec` another one.

SPDX-License-Identifier: Apache-2.0
"""
import os
import subprocess
import sys

import lint


def check(root):
    for file in lint.files(root):
        path = root / file
        if file.suffix != ".sh" and file.parts[0] != ".ci":
            continue
        result = subprocess.run(["bash", "-n", path], capture_output=True,
                                text=True, check=False)
        if result.returncode:
            reason = " ".join(result.stderr.split())
            yield f"{file}:1: does not parse: {reason}"
        text = path.read_text()
        if not text.startswith("#!/usr/bin/env bash\n"):
            yield f"{file}:1: expected '#!/usr/bin/env bash' as the first line"
        if "\nset -euo pipefail\n" not in text and "\nexec " not in text:
            yield f"{file}:1: expected 'set -euo pipefail'"
        if not os.access(path, os.X_OK):
            yield f"{file}:1: expected an executable file; run chmod +x {file}"


if __name__ == "__main__":
    sys.exit(lint.run(__doc__.splitlines()[0], check))
