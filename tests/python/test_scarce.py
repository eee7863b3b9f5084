"""Where the system has few threads left, or a file wants more of the machine than it should get."""

import subprocess

import pytest

from conftest import TINY, but, sluice
from served import Server
from test_bad_input import read_model, refused, write_model

SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

typedef int (*create)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  static int made;
  if (made++ >= atoi(getenv("MOST_THREADS"))) return EAGAIN;
  return ((create)dlsym(RTLD_NEXT, "pthread_create"))(thread, attributes, body, argument);
}
"""


@pytest.fixture(scope="module")
def most(tmp_path_factory):
    """The environment in which no more than so many threads can be made."""
    folder = tmp_path_factory.mktemp("shim")
    (folder / "shim.c").write_text(SHIM)
    subprocess.run(["gcc", "-shared", "-fPIC", folder / "shim.c", "-o", folder / "shim.so", "-ldl"], check=True)
    return lambda count: {"LD_PRELOAD": str(folder / "shim.so"), "MOST_THREADS": str(count)}


def test_training_with_fewer_threads_says_so_once_and_gives_the_same(text, tmp_path, most):
    written = []
    for name, environment in ("plenty", {}), ("few", most(1)), ("none", most(0)):
        path = tmp_path / f"{name}.safetensors"
        _, err = sluice("train", text, "-o", path, *but(TINY, "--threads=3"), env={"SOURCE_DATE_EPOCH": "0", **environment})
        written.append(path.read_bytes())
        said = [line for line in err.splitlines() if "threads: slower" in line]
        assert said == {"plenty": [], "few": ["the system gave 2 of 3 threads: slower, with the same result"],
                        "none": ["the system gave 1 of 3 threads: slower, with the same result"]}[name]
    assert written[0] == written[1] == written[2]


def test_eval_with_fewer_threads(text, models, most):
    plenty, _ = sluice("eval", models["gru"], text, "--threads=3")
    few, err = sluice("eval", models["gru"], text, "--threads=3", env=most(0))
    assert few == plenty
    assert err == "the system gave 1 of 3 threads: slower, with the same result\n"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_server_without_threads_says_so(models, most, count):
    _, err = sluice("serve", models["gru"], "--port", "0", code=1, env=most(count))
    assert err.startswith("sluice: the HTTP server ") and err.count("\n") == 1


def test_a_server_with_one_worker_serves(models, most, monkeypatch):
    for name, value in most(4).items():
        monkeypatch.setenv(name, value)
    server = Server(models["gru"])
    assert server.post("gates", text="Ada likes")
    assert server.stop()[0] == 128 + 15


@pytest.mark.parametrize("note", ["[" * 20000 + "]" * 20000, '{"a":' * 20000 + "1" + "}" * 20000, "[" * 100000])
def test_a_note_of_any_depth_is_shown_as_text(models, tmp_path, note):
    header, data = read_model(models["gru"])
    header["__metadata__"].update({"sluice.note.deep": note, "sluice.checksum": "none"})
    path = write_model(tmp_path / "m.safetensors", header, data)
    out, _ = sluice("info", path)
    assert note[:40] in out
    out, _ = sluice("info", path, "--json")
    assert note in out.replace("\\", "")


def test_a_self_check_of_many_steps_is_refused_before_it_runs(models, tmp_path):
    header, data = read_model(models["gru"])
    header["__metadata__"].update({
        "sluice.self-check": '{"input":[' + ",".join(["0"] * 13000) + '],"outputs":[0],"log_probabilities":[-1]}',
        "sluice.checksum": "none"})
    refused("info", write_model(tmp_path / "m.safetensors", header, data), code=3, names=["input", "at most 8 numbers"])
