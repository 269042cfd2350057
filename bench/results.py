"""What a run measured, as data: kept as JSON beside its Markdown and its plots, so that runs can be compared."""

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

from loads import Sample

FIGURES = ("requests_per_s", "p50_ms", "p99_ms", "mb_per_s")  # of a Sample, as numbers


@dataclass
class Spread:
    """Of the interleaved runs."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: list[float]) -> "Spread":
        return Spread(statistics.median(values), min(values), max(values))


@dataclass
class Measured:
    """One peer under one load."""

    peer: str
    figures: dict[str, Spread] = field(default_factory=dict)
    cpu_ms_per_1000: dict[str, Spread] = field(default_factory=dict)  # by process
    rss_peak_bytes: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def of(peer: str, samples: list[Sample], rss_peak_bytes: dict[str, int]) -> "Measured":
        figures = {name: Spread.of([getattr(sample, name) for sample in samples])
                   for name in FIGURES if any(getattr(sample, name) for sample in samples)}
        cpu = {name: Spread.of([sample.cpu_ms_per_1000[name] for sample in samples])
               for name in samples[0].cpu_ms_per_1000}
        return Measured(peer, figures, cpu, rss_peak_bytes)

    @property
    def cpu_total(self) -> float | None:
        return sum(spread.median for spread in self.cpu_ms_per_1000.values()) or None


@dataclass
class Run:
    commit: str
    machine: str
    rounds: int
    loads: dict[str, list[Measured]] = field(default_factory=dict)  # by the load's title, in order
    facts: dict[str, float] = field(default_factory=dict)  # single figures, by name with unit

    def get(self, load: str, peer: str) -> Measured | None:
        return next((measured for measured in self.loads.get(load, []) if measured.peer == peer), None)

    def save(self, path: Path):
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @staticmethod
    def read(path: Path) -> "Run":
        raw = json.loads(path.read_text())
        spreads = lambda table: {name: Spread(**spread) for name, spread in table.items()}
        raw["loads"] = {load: [Measured(one["peer"], spreads(one["figures"]), spreads(one["cpu_ms_per_1000"]),
                                        one["rss_peak_bytes"]) for one in peers]
                        for load, peers in raw["loads"].items()}
        return Run(**raw)
