"""What is compiled into the program: its crates, as cargo resolves them, and what compiler and linker add."""

import importlib.metadata
import importlib.util
import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

LICENCE_FILE = re.compile(r"(licen[cs]e|unlicense|copying|copyright|notice)", re.IGNORECASE)


@dataclass
class Part:
    """Something that is compiled in."""

    name: str
    version: str
    licence: str
    purl: str
    description: str
    authors: str
    licence_files: list = field(default_factory=list)
    # Of the archive that the source came in, where there is one.
    sha256: str = None
    # The purls of the parts that this one uses.
    uses: set = field(default_factory=set)


def read(target):
    """The program itself, and its parts sorted by name."""
    program, crates = _crates(target)
    added = [_standard_library(), _linker()]
    program.uses.update(part.purl for part in added)
    return program, sorted(crates + added, key=lambda part: (part.name, part.version))


def _crates(target):
    """What cargo builds for the program. Neither build scripts nor procedural macros are in it, nor what those use."""
    metadata = json.loads(_output("cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={target}"))
    known = {(package["name"], package["version"]): package for package in metadata["packages"]}
    checksums = {
        (name, version): checksum
        for name, version, checksum in re.findall(
            r'name = "(.+)"\nversion = "(.+)"\nsource = .+\nchecksum = "(.+)"', Path("Cargo.lock").read_text()
        )
    }
    parts = {}
    # The parts above a line, from the program down.
    path = []
    built = ["--locked", "--package=mimecast-ttp", "--no-default-features", f"--target={target}"]
    edges = "--edges=normal,no-proc-macro"
    for line in _output("cargo", "tree", *built, edges, "--prefix=depth", "--format= {p}").splitlines():
        depth, name, version = re.match(r"(\d+) (\S+) v(\S+)", line).groups()
        key = (name, version)
        if key not in parts:
            parts[key] = _crate(known[key], checksums.get(key))
        path[int(depth) :] = [parts[key]]
        if len(path) > 1:
            path[-2].uses.add(path[-1].purl)
    program, *crates = parts.values()
    return program, crates


def _crate(package, checksum):
    name, version = package["name"], package["version"]
    # The program is in no registry; its purl must not name another's crate there.
    kind = "generic" if package["source"] is None else "cargo"
    folder = Path(package["manifest_path"]).parent
    return Part(
        name=name,
        version=version,
        # The slash is an old way to write it.
        licence=package["license"].replace("/", " OR "),
        purl=f"pkg:{kind}/{name}@{version}",
        description=(package["description"] or "").strip(),
        authors=", ".join(package["authors"]),
        licence_files=sorted(file for file in folder.iterdir() if file.is_file() and LICENCE_FILE.match(file.name)),
        sha256=checksum,
    )


def _standard_library():
    version = _output("rustc", "--version").split()[1]
    return Part(
        name="rust-std",
        version=version,
        licence="MIT OR Apache-2.0",
        purl=f"pkg:generic/rust-std@{version}",
        description="The standard library of Rust",
        authors="The Rust Project Contributors",
    )


def _linker():
    version = importlib.metadata.version("ziglang")
    folder = Path(importlib.util.find_spec("ziglang").origin).parent
    return Part(
        name="ziglang",
        version=version,
        licence="MIT AND Apache-2.0 WITH LLVM-exception AND LGPL-2.1-or-later",
        purl=f"pkg:pypi/ziglang@{version}",
        description="What the linker adds: compiler-rt, LLVM's libunwind, and glibc's start files",
        authors="Zig contributors",
        licence_files=[folder / name for name in ("LICENSE", "lib/libunwind/LICENSE.TXT", "lib/libc/glibc/LICENSES")],
    )


def _output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8").stdout
