"""How long sluice serve takes to explain a text and to answer a keystroke, on one processor; and sluice complete to start.

    python3 bench/explain.py [--sluice build/sluice] [--words 100] [--hidden 256] [--layers 2] [--vocabulary 2000]

A model of that size is trained for one short epoch on made-up text (its weights do not matter to the time), served on the
first processor alone, and asked over one connection; the times are of whole requests as a client sees them. The last
line is the time of whole processes: the model read, the words likeliest to follow two words printed.
"""

import argparse
import http.client
import json
import pathlib
import random
import statistics
import subprocess
import tempfile
import time

ROUNDS = 50


def made_up_text(words, vocabulary):
    draw = random.Random(1)
    return " ".join(f"w{draw.randrange(vocabulary)}" for _ in range(words))


def train(options, folder):
    text = folder / "text.txt"
    text.write_text(" ".join(f"w{i}" for i in range(options.vocabulary)) * 2 + " "
                    + made_up_text(20000, options.vocabulary) + "\n")
    model = folder / "model.safetensors"
    subprocess.run([options.sluice, "train", text, "-o", model, "--cell", options.cell, "--layers", str(options.layers),
                    "--hidden", str(options.hidden), "--epochs", "1", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return model


def report(what, measure):
    """measure(i) returns the seconds of round i, and bytes."""
    measure(0)
    found = [measure(i) for i in range(ROUNDS)]
    times = sorted(1000 * seconds for seconds, _ in found)
    print(f"{what:<58} {statistics.median(times):7.1f} ms median {times[-1]:7.1f} ms most "
          f"{max(size for _, size in found) / 1e6:6.2f} MB")


def completion(options, model):
    begin = time.perf_counter()
    subprocess.run(["taskset", "-c", "0", options.sluice, "complete", model, "w1 w2"], check=True,
                   stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin, model.stat().st_size


class Client:
    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address, timeout=60)

    def seconds(self, verb, body):
        body = json.dumps(body)
        begin = time.perf_counter()
        self.connection.request("POST", f"/api/v1/{verb}", body, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        size = len(answer.read())
        assert answer.status == 200
        return time.perf_counter() - begin, size

    def report(self, what, verb, bodies):
        report(what, lambda i: self.seconds(verb, bodies[i % len(bodies)]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sluice", default="build/sluice")
    parser.add_argument("--cell", default="gru")
    parser.add_argument("--words", type=int, default=100)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--vocabulary", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = train(options, pathlib.Path(folder))
        server = subprocess.Popen(["taskset", "-c", "0", options.sluice, "serve", model, "--port", "0", "--quiet"],
                                  stdout=subprocess.PIPE, text=True)
        try:
            client = Client(server.stdout.readline().strip().removeprefix("http://").rstrip("/"))
            text = made_up_text(options.words, options.vocabulary)
            words = text.split()
            size = f"{options.layers}x{options.hidden} {options.cell}, {options.words} words"
            client.report(f"explain, {size}", "explain", [{"text": text}])
            client.report("  without the values of units", "explain", [{"text": text, "units": False}])
            client.report("  with leave-one-out", "explain", [{"text": text, "units": False, "leave_one_out": True}])
            client.report("  with one word replaced", "explain",
                          [{"text": text, "units": False, "changes": {"replace": [{"at": 3, "with": words[5]}]}}])
            client.report("  with retain held", "explain",
                          [{"text": text, "units": False, "changes": {"clamp": [{"gate": "retain", "value": 1}]}}]
                          if options.cell.startswith("gru") else [{"text": text, "units": False}])
            growing = [{"text": " ".join(words[:n])} for n in range(1, min(40, len(words)))]
            client.report("a keystroke: complete, 1 to 40 words", "complete", growing)
            client.report("a keystroke: explain, 1 to 40 words", "explain", growing)
        finally:
            server.terminate()
            server.wait()
        report("complete, a process of its own", lambda _: completion(options, model))


if __name__ == "__main__":
    main()
