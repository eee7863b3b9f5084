"""The same work in Sluice, PyTorch, ONNX Runtime and oneDNN, measured in turn in one run. bench/peers/run calls it.

Before any time is taken, each engine's outputs and gradients are compared with ours; one that differs is not timed, and
the exit code is 1. What cannot do the work at all says why.
"""

import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import engines
import table
import work as works

SAMPLE_SECONDS = 0.01  # a sample is as many runs as take about this long
PAUSE_SECONDS = 0.02  # between engines: long enough for the threads of the one before to stop spinning


def spread(values):
    values = sorted(values)
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {"min": values[0], "lower": lower, "median": median, "upper": upper, "max": values[-1],
            "samples": len(values)}


def runs_for(engine):
    """After warming up, how many runs make a sample."""
    runs = 1
    while True:
        taken = engine.seconds(runs) * runs
        if taken >= SAMPLE_SECONDS / 2:
            return max(1, round(runs * SAMPLE_SECONDS / taken))
        runs *= 4


def prepare_all(work, running, folder):
    """Engines that do the work with our result, and why the others do not."""
    data = folder / "data"
    data.mkdir()
    distinct = works.make_data(work, data)
    ready, others = [], {}
    for engine in running:
        if others and not ready:
            break  # ours could not do it, so there is nothing to compare with
        out = folder / engine.name
        out.mkdir()
        answer = engine.prepare(work, data, out)
        reason = answer.get("unsupported")
        if reason:
            others[engine.name] = {"unsupported": reason}
            continue
        found = {}
        if "error" not in answer:
            found = works.differences(work, folder / "sluice", out)
        problem = answer.get("error") or works.wrong(work, found)
        if problem:
            others[engine.name] = {"wrong": problem}
        else:
            ready.append((engine, max(found.values())))
    return ready, others, distinct


def measure(work, running, rounds):
    with tempfile.TemporaryDirectory() as name:
        ready, others, distinct = prepare_all(work, running, pathlib.Path(name))
        result = {**work.request(), "engines": others}
        if not ready or ready[0][0].name != "sluice":
            return result
        ours = ready[0][0]
        runs = {engine.name: runs_for(engine) for engine, _ in ready}
        seconds = {engine.name: [] for engine, _ in ready}
        products, reads = [], []
        for i in range(rounds):
            turn = i % len(ready)
            for engine, _ in ready[turn:] + ready[:turn]:
                time.sleep(PAUSE_SECONDS)
                if engine is ours:
                    products.append(ours.ask({"do": "products"})["flops"])
                    if work.weight_bytes():
                        reads.append(ours.ask({"do": "reads", "bytes": work.weight_bytes()})["rate"])
                seconds[engine.name].append(engine.seconds(runs[engine.name]))
        result["product_flops"] = statistics.median(products)
        limit = work.flops(distinct) / result["product_flops"]
        if reads:
            result["read_bytes_per_second"] = statistics.median(reads)
            limit = max(limit, work.weight_bytes() / result["read_bytes_per_second"])
        result["limit_seconds"] = limit
        for engine, difference in ready:
            times = spread(seconds[engine.name])
            result["engines"][engine.name] = {"seconds": times, "limits": times["median"] / limit,
                                              "largest_difference": difference}
        for engine, _ in ready:
            entry = result["engines"][engine.name]
            entry["times_sluice"] = entry["seconds"]["median"] / result["engines"]["sluice"]["seconds"]["median"]
        return result


def chosen_work(options):
    cells, hidden, threads = options.cells, options.hidden, options.threads
    quick = options.quick
    wide = hidden or ([256] if quick else [128, 256, 512, 1024])
    narrow = hidden or ([16, 256] if quick else [8, 16, 32, 64, 128, 256, 512, 1024])
    plan = {
        "step": lambda: works.layers("step", cells, narrow, [1], [32], [1]),
        "inference": lambda: works.layers("inference", cells, wide, [32], [100], threads),
        "training": lambda: works.layers("training", cells, wide, [32] if quick else [32, 64],
                                         [35] if quick else [35, 100], threads),
        "packed": lambda: works.stacks([c for c in cells if c in ("gru-reset-after", "lstm")],
                                       hidden or ([128] if quick else [128, 256]), threads),
        "model": lambda: works.models([c for c in cells if c in ("gru-reset-after", "lstm")], threads),
    }
    return [w for name in options.work for w in plan[name]()]


def about():
    def first(command):
        try:
            return subprocess.run(command, capture_output=True, text=True, cwd=engines.HERE).stdout.strip()
        except OSError:
            return ""

    processor = next((line.split(": ")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
                     "unknown")
    return {"date": datetime.date.today().isoformat(), "processor": processor, "threads": os.cpu_count(),
            "kernel": os.uname().release, "commit": first(["git", "describe", "--always", "--dirty"]),
            "command": " ".join(sys.argv[1:])}


def numbers(text):
    return [int(word) for word in text.split(",")]


def words(text):
    return text.split(",")


def parse():
    parser = argparse.ArgumentParser(prog="bench/peers/run", description=__doc__.split("\n\n")[0])
    parser.add_argument("--ours", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--onednn", help=argparse.SUPPRESS)
    parser.add_argument("--out", default="peers", help="writes OUT.json and OUT.md [peers]")
    parser.add_argument("--quick", action="store_true", help="few sizes")
    parser.add_argument("--work", type=words, default=["step", "inference", "training", "packed", "model"],
                        help="out of step,inference,training,packed,model [all]")
    parser.add_argument("--cells", type=words, default=["gru-reset-after", "lstm", "gru", "rnn"])
    parser.add_argument("--hidden", type=numbers, help="units a layer, instead of those of docs/performance.md")
    parser.add_argument("--threads", type=numbers, default=[1, os.cpu_count()])
    parser.add_argument("--engines", type=words, default=engines.NAMES, help=f"out of {','.join(engines.NAMES)} [all]")
    parser.add_argument("--rounds", type=int, default=9, help="samples of each engine [9]")
    return parser.parse_args()


def main():
    options = parse()
    plan = chosen_work(options)
    names = [n for n in engines.NAMES if n == "sluice" or n in options.engines]
    missing = {}
    if options.onednn is None and "onednn" in names:
        names.remove("onednn")
        missing["onednn"] = "libdnnl-dev is not installed"
    running = [engines.start(name, options.ours, options.onednn) for name in names]
    report = {**about(), "versions": {e.name: e.version for e in running}, "missing": missing, "results": []}
    try:
        for i, work in enumerate(plan):
            print(f"{i + 1}/{len(plan)} {work.label()}", file=sys.stderr, flush=True)
            report["results"].append(measure(work, running, options.rounds))
            # Written as it grows: a long run that is stopped has not been for nothing.
            pathlib.Path(options.out + ".json").write_text(json.dumps(report, indent=1) + "\n")
            pathlib.Path(options.out + ".md").write_text(table.markdown(report))
    finally:
        for engine in running:
            engine.close()
    print(table.markdown(report))
    bad = [f"{r['work']} {r['cell']} H {r['hidden']}: {name}: {entry['wrong']}"
           for r in report["results"] for name, entry in r["engines"].items() if "wrong" in entry]
    for line in bad:
        print(line, file=sys.stderr)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
