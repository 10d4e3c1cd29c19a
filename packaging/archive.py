"""A zip whose bytes follow from its files alone.

What deflate makes of the same bytes differs between versions of zlib, which Python's own zipfile takes from the
machine. Zopfli is pinned instead; it compresses better, too.
"""

import struct
import time
import zlib

from zopfli.zlib import compress

# As in APPNOTE.TXT of PKWARE, 4.3: what unpacks deflate, written on Unix so that modes count.
NEEDED, MADE_BY, DEFLATE = 20, 3 << 8 | 20, 8


def write(path, files, epoch):
    """Writes `files`, of each a name in ASCII, a mode and its bytes, with the time `epoch`."""
    year, month, day, hour, minute, second = time.gmtime(epoch)[:6]
    date_and_time = (hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day)
    entries, directory = b"", b""
    for name, mode, content in sorted(files):
        # Without the two bytes in front and the four behind by which zlib frames the same.
        packed = compress(content, numiterations=1)[2:-4]
        name = name.encode("ascii")
        facts = (NEEDED, 0, DEFLATE, *date_and_time, zlib.crc32(content), len(packed), len(content), len(name), 0)
        offset = len(entries)
        entries += struct.pack("<I5H3I2H", 0x04034B50, *facts) + name + packed
        attributes = (0o100000 | mode) << 16
        directory += struct.pack("<IH5H3I5H2I", 0x02014B50, MADE_BY, *facts, 0, 0, 0, attributes, offset) + name
    count = len(files)
    end = struct.pack("<I4H2IH", 0x06054B50, 0, 0, count, count, len(directory), len(entries), 0)
    path.write_bytes(entries + directory + end)
