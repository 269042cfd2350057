"""A run as Markdown and SVG, and what changed since an earlier one."""

from html import escape

from results import Measured, Run

OURS, BASE = "mk8s", "nginx x2, mTLS"
COLUMNS = {"requests_per_s": ("requests/s", "{:,.0f}"), "p50_ms": ("p50 ms", "{:.2f}"), "p99_ms": ("p99 ms", "{:.2f}"),
           "mb_per_s": ("MB/s", "{:,.0f}")}
CHANGE_SHOWN = 0.05  # of a figure; below it two runs of the same code differ too


def markdown(run: Run) -> str:
    lines = [f"# mk8s {run.commit}", "", f"{run.machine}. Median of {run.rounds} interleaved runs, in brackets the lowest "
             "and the highest. CPU: milliseconds per 1,000 requests of the parts in the middle, the upstream and the load "
             f"generator left out. Ratio: over {BASE}.", ""]
    for load, peers in run.loads.items():
        lines += [f"## {load}", "", *_table(run, load, peers), ""]
    if run.facts:
        lines += ["## Single figures", "", "| figure | value |", "|---|---|",
                  *(f"| {name} | {value:,.2f} |" for name, value in run.facts.items()), ""]
    return "\n".join(lines)


def _table(run: Run, load: str, peers: list[Measured]) -> list[str]:
    shown = [name for name in COLUMNS if any(name in one.figures for one in peers)]
    with_cpu = any(one.cpu_ms_per_1000 for one in peers)
    heads = ["peer"]
    for name in shown:
        heads += [COLUMNS[name][0], "ratio"]
    heads += ["CPU", "ratio"] * with_cpu + ["RSS peak, MB"]
    base = run.get(load, BASE)
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for one in peers:
        cells = [one.peer]
        for name in shown:
            spread, shape = one.figures.get(name), COLUMNS[name][1]
            cells.append(f"{shape.format(spread.median)} ({shape.format(spread.low)}-{shape.format(spread.high)})" if spread else "")
            cells.append(_ratio(spread and spread.median, base and name in base.figures and base.figures[name].median))
        if with_cpu:
            parts = ", ".join(f"{name} {spread.median:.0f}" for name, spread in one.cpu_ms_per_1000.items())
            cells.append(f"{one.cpu_total:.0f} ({parts})" if one.cpu_total else "")
            cells.append(_ratio(one.cpu_total, base and base.cpu_total))
        cells.append(", ".join(f"{name} {size / 1e6:.0f}" for name, size in one.rss_peak_bytes.items()))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _ratio(ours: float | None, theirs: float | None) -> str:
    return f"{ours / theirs:.2f}" if ours and theirs else ""


def changes(old: Run, new: Run) -> str:
    """Ratios over the base of both runs, as two machines or two hours differ by more than the code does."""
    lines = [f"# mk8s {old.commit} to {new.commit}", "", f"Ratios over {BASE} in each run; only what moved by more than "
             f"{CHANGE_SHOWN:.0%}.", "", "| load | figure | before | now | change |", "|---|---|---|---|---|"]
    for load in new.loads:
        for name in (*COLUMNS, "CPU"):
            before, now = _over_base(old, load, name), _over_base(new, load, name)
            if before and now and abs(now / before - 1) > CHANGE_SHOWN:
                title = COLUMNS[name][0] if name in COLUMNS else name
                lines.append(f"| {load} | {title} | {before:.2f} | {now:.2f} | {now / before - 1:+.0%} |")
    return "\n".join(lines) + "\n"


def _over_base(run: Run, load: str, name: str) -> float | None:
    ours, base = run.get(load, OURS), run.get(load, BASE)
    if not ours or not base:
        return None
    if name == "CPU":
        return ours.cpu_total / base.cpu_total if ours.cpu_total and base.cpu_total else None
    a, b = ours.figures.get(name), base.figures.get(name)
    return a.median / b.median if a and b and b.median else None


BAR, GAP, LEFT, WIDTH = 22, 8, 230, 760


def plot(load: str, peers: list[Measured]) -> str:
    """Bars with whiskers from the lowest run to the highest."""
    name = next((name for name in ("requests_per_s", "mb_per_s", "p99_ms") if any(name in one.figures for one in peers)), None)
    rows = [(one.peer, one.figures[name]) for one in peers if name in one.figures]
    scale = (WIDTH - LEFT - 90) / max(spread.high for _, spread in rows)
    height = 44 + len(rows) * (BAR + GAP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="13">',
           f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
           f'<text x="10" y="22" font-weight="bold">{escape(load)}: {COLUMNS[name][0]}</text>']
    for index, (peer, spread) in enumerate(rows):
        top = 36 + index * (BAR + GAP)
        middle, colour = top + BAR / 2, "#1f6feb" if peer == OURS else "#8b949e"
        low, high = LEFT + spread.low * scale, LEFT + spread.high * scale
        out += [f'<text x="{LEFT - 8}" y="{middle + 4}" text-anchor="end">{escape(peer)}</text>',
                f'<rect x="{LEFT}" y="{top}" width="{spread.median * scale:.1f}" height="{BAR}" fill="{colour}"/>',
                f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 4}v8M{high:.1f} {middle - 4}v8" stroke="black"/>',
                f'<text x="{high + 6:.1f}" y="{middle + 4}">{COLUMNS[name][1].format(spread.median)}</text>']
    return "\n".join([*out, "</svg>"]) + "\n"
