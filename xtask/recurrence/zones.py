"""Writes shared/src/task/recurrence/zones.txt: the clocks of all IANA time zones from 2026 on.

A line is a rule and the zones that follow it. The rule is the standard offset, in seconds east of Greenwich, and where
there is summer time its offset, its start, and its end, as month.week.weekday/second of the local day (as POSIX has them).
A zone whose announced changes differ from any rule has them behind, as =MOMENT:OFFSET.
"""

import importlib.resources
import re
import struct
import sys

import tzdata
from zoneinfo import available_timezones, reset_tzpath

FROM = 1_767_225_600  # 2026-01-01T00:00:00Z
OFFSET = r"(?:<[^>]+>|[A-Za-z]+)([-+]?[\d:]*)"


def seconds(text):
    sign = -1 if text.startswith("-") else 1
    hours, minutes, rest = ([int(part) for part in text.strip("+-").split(":")] + [0, 0])[:3]
    return sign * (hours * 3600 + minutes * 60 + rest)


def rule(footer):
    """The rule of a POSIX footer, whose offsets count westward."""
    clock, *changes = footer.split(",")
    standard, *summer = re.findall(OFFSET, clock)
    offset = -seconds(standard)
    if not summer:
        return str(offset)
    parts = [str(offset), str(-seconds(summer[0]) if summer[0] else offset + 3600)]
    for change in changes:
        day, _, time = change.partition("/")
        parts.append(f"{day.removeprefix('M')}/{seconds(time or '2')}")
    return ",".join(parts)


def parse(name):
    """The transitions of a TZif file (RFC 9636) as (moment, offset), and its footer."""
    data = importlib.resources.files("tzdata.zoneinfo").joinpath(name).read_bytes()

    def block(start, size):
        isutc, isstd, leap, times, types, chars = struct.unpack(">6l", data[start + 20 : start + 44])
        begin = start + 44
        end = begin + times * (size + 1) + types * 6 + chars + leap * (size + 4) + isstd + isutc
        return begin, end, times, types

    start, end, times, types = block(block(0, 4)[1], 8)
    moments = struct.unpack(f">{times}q", data[start : start + 8 * times])
    kinds = start + 9 * times
    indices = data[start + 8 * times : kinds]
    offsets = [struct.unpack(">l", data[kinds + 6 * index : kinds + 6 * index + 4])[0] for index in range(types)]
    return list(zip(moments, [offsets[index] for index in indices])), data[end:].decode().strip()


def main():
    reset_tzpath(())
    lines = {}
    for name in available_timezones() - {"Factory"}:
        transitions, footer = parse(name)
        announced = [change for change in transitions if change[0] >= FROM]
        if announced:
            announced.insert(0, (FROM, [offset for moment, offset in transitions if moment < FROM][-1]))
        suffix = "".join(f" ={moment}:{offset}" for moment, offset in announced)
        lines.setdefault((rule(footer), suffix), []).append(name)
    print(f"# IANA {tzdata.IANA_VERSION}, by xtask/recurrence/zones.py")
    for (text, suffix), names in sorted(lines.items()):
        print(f"{text} {' '.join(sorted(names))}{suffix}")


if __name__ == "__main__":
    sys.exit(main())
