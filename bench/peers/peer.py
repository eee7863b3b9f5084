"""What every engine of the comparison speaks: requests and answers are lines of JSON on standard input and output.

  {"do": "about"}                            -> {"version": ...}
  {"do": "prepare", "work": ..., sizes, "data": FOLDER/, "out": FOLDER/}
                                             -> {"ready": true}, {"unsupported": why} or {"error": what}
  {"do": "run", "runs": n}                   -> {"seconds": mean seconds of a run}

`prepare` reads weights and inputs from files of raw float32 (tokens: uint32) in `data`, does the work once and writes its
outputs and gradients to `out`, in our order of gates. A file has the name of its tensor; d before it is its gradient.
"""

import json
import os
import pathlib
import sys
import time

import numpy


class Unsupported(Exception):
    """The engine has no such work."""


class Request(dict):
    """A request's fields as attributes, and the files of its folder."""

    def __getattr__(self, name):
        return self[name]

    def read(self, name, *shape, dtype="float32"):
        return numpy.fromfile(pathlib.Path(self["data"]) / name, dtype).reshape(shape)

    def write(self, name, array):
        numpy.ascontiguousarray(array, "float32").tofile(pathlib.Path(self["out"]) / name)


def serve(version, prepare):
    """Answers requests until there are no more. prepare(request) returns the function that is timed."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    run = None
    for line in sys.stdin:
        request = Request(json.loads(line))
        try:
            if request.do == "about":
                answer = {"version": version}
            elif request.do == "prepare":
                run = None
                run = prepare(request)
                answer = {"ready": True}
            else:
                start = time.perf_counter()
                for _ in range(request.runs):
                    run()
                answer = {"seconds": (time.perf_counter() - start) / request.runs}
        except Unsupported as reason:
            answer = {"unsupported": str(reason)}
        except Exception as error:  # the other engines go on
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
