"""The licences of everything that is compiled in, as one text."""

import re
from pathlib import Path


def third_parties(program, parts):
    """Names every part with its licence, then gives each text once."""
    lines = [f"{program.name} {program.version} contains the following, each under its own licence.", ""]
    lines += [f"  {part.name} {part.version}: {part.licence}" for part in parts]
    holders = {}
    for part in parts:
        for text in _texts(part):
            # The same text, however its lines are broken.
            _, names = holders.setdefault(" ".join(text.split()), (text, []))
            names.append(f"{part.name} {part.version}")
    for text, names in holders.values():
        lines += ["", "=" * 80, ", ".join(names), "-" * 80, "", text.strip("\n")]
    return "\n".join(lines) + "\n"


def _texts(part):
    if part.licence_files:
        return [file.read_text(encoding="utf-8") for file in part.licence_files]
    # Some crates leave their text in their repository.
    if "MIT" not in part.licence.split(" OR "):
        raise SystemExit(f"{part.name} {part.version} ({part.licence}) comes without a text of its licence: add it to {__file__}.")
    ours = Path("LICENSE").read_text(encoding="utf-8")
    return [re.sub("Copyright.*", f"Copyright (c) {part.authors or 'the authors of ' + part.name}", ours)]
