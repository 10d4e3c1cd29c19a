"""Puts the built program and its files into the package, once it is known to start where it has to."""

import argparse
import hashlib
import json
from pathlib import Path

import archive
import glibc
import licences
import parts
import sbom


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--program", type=Path, required=True, help="the built program")
    options.add_argument("--target", required=True, help="what it was built for")
    options.add_argument("--glibc", required=True, help="the oldest glibc it has to start on")
    options.add_argument("--commit", required=True, help="what it was built from")
    options.add_argument("--epoch", type=int, required=True, help="the time that the package shows, in seconds since 1970")
    options.add_argument("--out", type=Path, required=True, help="the folder for the package")
    given = options.parse_args()

    try:
        oldest = glibc.check(given.program, given.glibc)
    except glibc.NotRunnable as fault:
        raise SystemExit(f"{given.program} cannot be packed: {fault}.")
    program, inside = parts.read(given.target)

    described = json.loads(Path("host.json").read_text(encoding="utf-8"))["customHandler"]["description"]
    files = [(name, 0o644, Path(name).read_bytes()) for name in ("LICENSE", "TimerTrigger/function.json", "host.json")]
    files.append(("THIRD-PARTY-LICENSES.txt", 0o644, licences.third_parties(program, inside).encode()))
    files.append((described["defaultExecutablePath"], 0o755, given.program.read_bytes()))

    given.out.mkdir(exist_ok=True)
    package = given.out / "mimecast-ttp.zip"
    archive.write(package, files, given.epoch)
    sha256 = hashlib.sha256(package.read_bytes()).hexdigest()
    package.with_name("mimecast-ttp.zip.sha256").write_text(f"{sha256}  {package.name}\n")
    materials = sbom.cyclonedx(program, inside, given.commit, given.epoch, sha256)
    package.with_name("mimecast-ttp.cdx.json").write_text(materials, encoding="utf-8")
    print(f"{package}: {package.stat().st_size} bytes, {len(inside)} parts, runs on glibc {oldest} and newer")
    print(f"SHA-256 {sha256}")


if __name__ == "__main__":
    main()
