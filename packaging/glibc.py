"""What a program asks of the machine it starts on: shared libraries, and the newest glibc among them.

    python3 glibc.py PROGRAM 2.28

fails if the program needs a newer glibc than that, or a library that is no part of glibc.
"""

import re
import sys

from elftools.elf.elffile import ELFFile

# Parts of glibc 2.28. From 2.34 on all are in libc.so.6, and the others still exist, empty.
GLIBC = {"ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1"}


class NotRunnable(Exception):
    """The program would not start on every machine that it is meant for."""


def needs(path):
    """The names of the needed libraries, and the needed symbol versions such as GLIBC_2.28."""
    with open(path, "rb") as file:
        program = ELFFile(file)
        if program["e_machine"] != "EM_X86_64":
            raise NotRunnable("it is not for x86_64")
        dynamic = program.get_section_by_name(".dynamic")
        versions = program.get_section_by_name(".gnu.version_r")
        if dynamic is None or versions is None:
            raise NotRunnable("it does not say which glibc it needs")
        return (
            {tag.needed for tag in dynamic.iter_tags("DT_NEEDED")},
            {version.name for _, names in versions.iter_versions() for version in names},
        )


def check(path, newest):
    """The newest glibc that the program at `path` needs, which is at most `newest`."""
    libraries, versions = needs(path)
    if strangers := libraries - GLIBC:
        raise NotRunnable(f"it needs {', '.join(sorted(strangers))}, which need not be there")
    if odd := [name for name in versions if not re.fullmatch(r"GLIBC_\d+(\.\d+)+", name)]:
        raise NotRunnable(f"it needs {', '.join(sorted(odd))}, which is no numbered version of glibc")

    def number(version):
        return tuple(int(part) for part in version.split("."))

    needed = max((name.split("_")[1] for name in versions), key=number)
    if number(needed) > number(newest):
        raise NotRunnable(f"it needs glibc {needed}, but has to run on {newest}")
    return needed


if __name__ == "__main__":
    try:
        print(check(sys.argv[1], sys.argv[2]))
    except NotRunnable as fault:
        sys.exit(f"{sys.argv[1]}: {fault}.")
