"""Recurrence rules made at random, and what python-dateutil makes of them, as JSON lines for the tests.

Left out is what dateutil does otherwise than RFC 5545: weekdays with and without ordinals in one rule (it wants both), and
BYSETPOS of a week that begins in its middle (it counts from there), for which it begins with the whole week.
"""

import datetime as clock
import json
import random
import sys
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo, reset_tzpath

from dateutil.rrule import rrulestr

DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo"]
YEARS = 30
# Otherwise, dateutil looks for dates that never come until the year 9999.
clock.MAXYEAR = 2066


def some(random, values, most=3):
    return random.sample(values, random.randint(1, min(most, len(values))))


def parts(random):
    """The parts of a rule, without its end."""
    frequency = random.choice(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
    rule = {"FREQ": frequency}
    if random.random() < 0.5:
        rule["INTERVAL"] = random.randint(1, 12)
    if random.random() < 0.3:
        rule["BYMONTH"] = some(random, range(1, 13))
    if random.random() < 0.4 and frequency != "WEEKLY":
        rule["BYMONTHDAY"] = some(random, [*range(1, 32), *range(-31, 0)])
    if random.random() < 0.5:
        days = some(random, DAYS)
        if frequency in ("MONTHLY", "YEARLY") and random.random() < 0.6:
            ordinals = [-5, -2, -1, 1, 2, 5] if frequency == "MONTHLY" or "BYMONTH" in rule else [-53, -1, 1, 20, 53]
            days = [f"{random.choice(ordinals)}{day}" for day in days]
        rule["BYDAY"] = days
    if random.random() < 0.3 and ("BYDAY" in rule or "BYMONTHDAY" in rule):
        rule["BYSETPOS"] = some(random, [-3, -2, -1, 1, 2, 3, 5])
    if random.random() < 0.3:
        rule["WKST"] = random.choice(DAYS)
    return rule


def text(rule):
    return ";".join(f"{name}={','.join(map(str, value)) if isinstance(value, list) else value}" for name, value in rule.items())


def dates(rule, start):
    """The dates of a rule after its start."""
    begin = start
    if rule["FREQ"] == "WEEKLY" and "BYSETPOS" in rule:
        begin -= timedelta((start.weekday() - DAYS.index(rule.get("WKST", "MO"))) % 7)
    found = rrulestr(text(rule), dtstart=begin)
    last = start + timedelta(365 * YEARS)
    for moment in found:
        if moment > last:
            return
        if moment > start:
            yield moment


def utc(moment, zone):
    return moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def case(random):
    rule = parts(random)
    start = datetime.combine(date(2026, 6, 1) + timedelta(random.randrange(1500)), time())
    start = next(dates({**rule, "UNTIL": f"{start.year + YEARS}1231"}, start), None) or start
    zone = random.choice([None, *ZONES])
    hour = time(random.randrange(4), random.choice([0, 15, 30])) if zone else time()
    start = datetime.combine(start.date(), hour)
    # A task cannot be due first at a time of day that the clock skips.
    if zone and utc(start, zone).astimezone(ZoneInfo(zone)).time() != hour:
        start = datetime.combine(start.date(), time(12))
    bounded = {**rule, "UNTIL": (start + timedelta(365 * YEARS)).strftime("%Y%m%dT%H%M%S")}
    following = list(islice(dates(bounded, start), 6))
    if random.random() < 0.3:
        rule["COUNT"] = random.randint(1, 5)
        following = following[: rule["COUNT"] - 1]
    elif random.random() < 0.3 and len(following) > 3:
        rule["UNTIL"] = following[2].strftime("%Y%m%d")
        following = following[:3]

    def shown(moment):
        if zone is None:
            return moment.date().isoformat()
        return utc(moment, zone).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    return {"rule": text(rule), "time_zone": zone, "due": shown(start), "next": [shown(moment) for moment in following]}


def main(seed, count):
    reset_tzpath(())
    maker = random.Random(seed)
    for _ in range(count):
        print(json.dumps(case(maker)))


main(sys.argv[1], int(sys.argv[2]))
