"""The report of compare.py as Markdown tables."""

ORDER = ["sluice", "pytorch", "pytorch-compile", "onnxruntime", "onednn"]


def time(seconds):
    for unit, scale in (("ns", 1e9), ("µs", 1e6), ("ms", 1e3)):
        if seconds * scale < 1000:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds:.3g} s"


def cell(name, entry):
    if entry is None or "unsupported" in entry:
        return "-"
    if "wrong" in entry:
        return "wrong"
    text = time(entry["seconds"]["median"])
    if name == "sluice":
        return f"{text} ({entry['limits']:.2f})"
    return f"{text} ({entry['limits']:.2f}) **{entry['times_sluice']:.2f}**"


def variation(result):
    """The widest spread between quartiles among the engines of a row, as a share of the median."""
    widths = [(e["seconds"]["upper"] - e["seconds"]["lower"]) / e["seconds"]["median"]
              for e in result["engines"].values() if "seconds" in e]
    return f"{100 * max(widths):.0f} %" if widths else "-"


def against_even(results):
    """How many times as long one of our steps takes in sequences of different lengths, by the work on equal ones."""
    def step(result):
        return result["engines"]["sluice"]["seconds"]["median"] / sum(result["lengths"])

    def key(result, work):
        return result["work"] == work, result["cell"], result["hidden"], result["threads"]

    lines = []
    for packed in results:
        kind, _, rest = packed["work"].partition("-")
        even = [r for r in results if kind == "packed" and key(r, "even-" + rest) == (True, *key(packed, "")[1:])]
        if even and all("seconds" in r["engines"].get("sluice", {}) for r in (packed, even[0])):
            lines.append(f"| {rest} | {packed['cell']} | {packed['hidden']} | {packed['threads']} | "
                         f"{step(packed) / step(even[0]):.2f} |")
    head = ["### A step that counts, packed against even", "", "| work | cell | H | threads | times as long |",
            "|---|---|--:|--:|--:|"]
    return head + lines + [""] if lines else []


def markdown(report):
    lines = [f"{report['processor']}, {report['threads']} cores, Linux {report['kernel']}; {report['date']}, "
             f"commit {report['commit']}.", "",
             "Versions: " + "; ".join(f"{n} {v}" for n, v in report["versions"].items()) + ".", ""]
    lines += [f"Not measured: {name} ({why})." for name, why in report["missing"].items()]
    lines += ["Median time, in brackets how many limits that is, and in bold how many times our time a peer needs (above "
              "1: we are faster). Spread: the widest range between quartiles in the row.", ""]
    names = [n for n in ORDER if n in report["versions"]]
    for work in dict.fromkeys(r["work"] for r in report["results"]):
        lines += [f"### {work}", "", "| cell | H | B | T | threads | " + " | ".join(names) + " | spread |",
                  "|---|--:|--:|--:|--:|" + "--:|" * (len(names) + 1)]
        for r in report["results"]:
            if r["work"] != work:
                continue
            steps = 1 if work == "step" else r["steps"]
            if r.get("lengths"):
                steps = f"{min(r['lengths'])} to {steps} ({sum(r['lengths'])} rows)"
            cells = [r["cell"], r["hidden"], r["batch"], steps, r["threads"]]
            cells += [cell(n, r["engines"].get(n)) for n in names] + [variation(r)]
            lines.append("| " + " | ".join(str(c) for c in cells) + " |")
        lines.append("")
    return "\n".join(lines + against_even(report["results"]))
