"""Reads what tests/bench/run leaves in target/bench."""

import csv
import statistics
from collections import defaultdict
from pathlib import Path


def rows(file: Path) -> list[dict[str, str]]:
    """The lines of a table with a heading; none if there is no such file."""
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def turns(file: Path, *names: str) -> dict[tuple[str, ...], list[float]]:
    """Transactions per second of all turns, by the columns of these names, in the order of the file."""
    found = defaultdict(list)
    for row in rows(file):
        found[tuple(row[name] for name in names)].append(float(row["tps"]))
    return dict(found)


def medians(file: Path, *names: str) -> dict[tuple[str, ...], float]:
    return {key: statistics.median(values) for key, values in turns(file, *names).items()}


def paired(file: Path) -> dict[str, list[dict[str, float]]]:
    """What each round measured of a pair, by name: transactions per second."""
    found = defaultdict(dict)
    for row in rows(file):
        found[row["pair"], row["round"]][row["name"]] = float(row["tps"])
    pairs = defaultdict(list)
    for (pair, _), both in found.items():
        pairs[pair].append(both)
    return pairs


def listed(file: Path, separator: str | None) -> list[list[str]]:
    """The lines of a list without comments, split."""
    lines = (line for line in file.read_text().splitlines() if line and not line.startswith("#"))
    return [[field.strip() for field in line.split(separator)] for line in lines]
