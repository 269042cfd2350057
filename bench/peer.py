"""One way to the upstream, as all loads see it."""

from dataclasses import dataclass, field


@dataclass
class Peer:
    """CPU and memory are those of `pids`, the parts in the middle; a direct way has none."""

    name: str
    url: str  # what a load's path is appended to
    pids: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    http2: bool = True
    upgrades: bool = True
