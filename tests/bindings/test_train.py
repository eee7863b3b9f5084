"""Training from Python: the bits of the command, options, reports, Ctrl-C."""

import inspect
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import sluice
from conftest import TINY, small_text


@pytest.mark.parametrize("level", ["word", "char"])
def test_the_command_and_python_train_the_same_bits(command, text_file, tmp_path, level):
    path = tmp_path / "by-command.safetensors"
    options = ["--hidden=16", "--epochs=2", "--batch=4", "--steps=8", "--threads=1", "--seed=3"]
    subprocess.run([command, "train", text_file, "-o", path, "-q", f"--level={level}", *options], check=True,
                   capture_output=True)
    by_command = sluice.load(path).state_dict()
    by_python = sluice.train(text_file, level=level, seed=3, **TINY).state_dict()
    assert by_command.keys() == by_python.keys()
    for name, values in by_command.items():
        assert np.array_equal(values.view(np.uint32), by_python[name].view(np.uint32)), name


def test_minutes_note_what_gives_the_same_bits_without_a_clock(text_file):
    began = time.monotonic()
    model = sluice.train(text_file, level="char", hidden=16, minutes=0.03, seed=2)
    assert time.monotonic() - began < 2.5
    noted = {name.replace("-", "_"): value for name, value in json.loads(model.notes["trained"])["options"].items()}
    assert noted["minutes"] == 0 and noted["updates"] > 0
    again = sluice.train(text_file, level="char", hidden=16, dropout=model.config["dropout"],
                         weight_dropout=model.config["weight_dropout"], **noted)
    assert again.state_dict()["head.bias"].tobytes() == model.state_dict()["head.bias"].tobytes()


def test_text_in_memory_is_the_same_as_a_file(text_file):
    from_file, from_text = (sluice.train(text_file, **TINY), sluice.train(text=small_text(), **TINY))
    assert from_file.state_dict()["head.bias"].tobytes() == from_text.state_dict()["head.bias"].tobytes()


def test_every_option_of_the_library_is_a_keyword_and_documented():
    names = [name for name, *_ in sluice._core.options()]
    assert {"cell", "hidden", "learning_rate", "frequency_bias", "resume"} <= set(names)
    parameters = inspect.signature(sluice.train).parameters
    for name in names:
        assert name in parameters
        assert f"\n    {name} : " in sluice.train.__doc__, name


def test_the_typed_options_are_the_librarys():
    from sluice._options import Options

    kinds = {"bool": "bool", "int": "int", "float": "float", "str": "str"}
    expected = {name: kinds[kind] for name, kind, *_ in sluice._core.options()}
    annotated = {name: str(kind) for name, kind in inspect.get_annotations(Options).items()}
    for name, kind in expected.items():
        assert annotated[name].removeprefix("ForwardRef('").split(" ")[0].strip("'") == kind, name
    assert set(annotated) - set(expected) == {"stack", "head"}


def test_the_note_says_how_it_was_trained(text_file):
    note = json.loads(sluice.train(text_file, seed=5, **TINY).notes["trained"])
    assert note["text"] == "text.txt" and note["options"]["seed"] == 5 and note["options"]["batch"] == 4
    assert note["epochs"] == 2 and note["validation_loss"] > 0
    assert "threads" not in note["options"]
    # What was not done is not said: without a text to validate on there is nothing to calibrate with.
    for split, calibrated in ((0.1, True), (0.0, False)):
        trained = sluice.train(text_file, level="char", validation_split=split, **TINY)
        assert json.loads(trained.notes["trained"])["options"]["calibrate-temperature"] is calibrated


def test_a_wrong_name_is_a_type_error_that_names_the_right_one():
    with pytest.raises(TypeError, match="did you mean 'hidden'"):
        sluice.train(text="a b", hiden=3)


@pytest.mark.parametrize("options, sentence", [
    ({"hidden": 0}, "hidden: expected"),
    ({"hidden": -1}, "hidden: expected a whole number"),
    ({"hidden": 2.5}, "hidden: expected a whole number"),
    ({"hidden": "8"}, "hidden: expected a whole number"),
    ({"hidden": True}, "hidden: expected a whole number"),
    ({"cell": "grue"}, "cell: expected one of"),
    ({"cell": 3}, "cell: expected a text"),
    ({"cell": "gru", "activation": "relu"}, "activation: expected the default"),
    ({"stack": [{"units": 5}, {"kind": "dense", "cell": "lstm"}]}, "layer 1: cell: expected the default"),
    ({"stack": [{"units": 5}, {"units": 6}], "hidden": 7}, "hidden: expected the default beside a stack"),
    ({"learning_rate": 0}, "learning-rate: expected"),
    ({"learning_rate": float("nan")}, "learning-rate: expected"),
    ({"learning_rate": "fast"}, "learning_rate: expected a number"),
    ({"optimizer": "magic"}, "optimizer: expected sgd"),
    ({"tied": 1}, "tied: expected True or False"),
    ({"level": "letter"}, "level"),
    ({"epochs": 10**30}, "epochs: expected a whole number"),
    ({"resume": True, "checkpoint": "/nowhere/at/all"}, "/nowhere/at/all"),
    ({"reset_at": "§"}, "reset-at"),
])
def test_a_wrong_value_is_a_sentence(options, sentence):
    with pytest.raises(sluice.Error, match=sentence) as raised:
        sluice.train(text=small_text(), **{**TINY, **options})
    assert isinstance(raised.value, (ValueError, OSError))


def test_files_that_are_missing_are_os_errors(tmp_path):
    with pytest.raises(sluice.FileError, match="found none of that name") as raised:
        sluice.train(tmp_path / "none.txt")
    assert isinstance(raised.value, OSError)
    with pytest.raises(sluice.UsageError, match="found neither"):
        sluice.train()


def test_reports_come_and_may_stop_the_training(text_file, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    kinds = []

    def look(report):
        kinds.append(report.kind)
        return report.update < 5

    with pytest.raises(sluice.Interrupted) as stopped:
        sluice.train(text_file, **{**TINY, "progress": look, "epochs": 50})
    assert kinds.count("update") == 5
    whole = sluice.train(text_file, **TINY)
    assert os.path.exists(stopped.value.checkpoint)
    with pytest.raises(sluice.Error, match="checkpoint"):  # of another run
        sluice.train(text_file, checkpoint=stopped.value.checkpoint, resume=True, **TINY)
    assert whole.parameter_count > 0


def test_what_a_report_raises_comes_out_and_leaves_nothing_behind(text_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def break_down(report):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        sluice.train(text_file, **{**TINY, "progress": break_down})
    assert os.listdir(tmp_path) == ["text.txt"]


def test_ctrl_c_is_answered_at_once_and_the_run_goes_on_with_the_same_bits(text_file, tmp_path):
    script = textwrap.dedent(f"""
        import signal, sys
        import sluice
        from conftest import TINY
        signal.signal(signal.SIGINT, signal.default_int_handler)
        started = []
        def report(r):
            if not started:
                started.append(1)
                print("running", flush=True)
        try:
            sluice.train({str(text_file)!r}, **{{**TINY, "epochs": 2000, "progress": report}})
        except sluice.Interrupted as stopped:
            print(stopped.checkpoint, flush=True)
            sys.exit(7)
    """)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *sys.path])}
    process = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env=environment, stdout=subprocess.PIPE,
                               text=True)
    assert process.stdout.readline() == "running\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    sent = time.monotonic()
    checkpoint = process.stdout.readline().strip()
    seconds = time.monotonic() - sent
    assert process.wait(20) == 7
    assert seconds < 0.5, f"answered after {seconds:.2f} s"  # 0.1 on a machine of one's own
    assert (tmp_path / checkpoint).exists()


def test_ctrl_c_is_answered_in_the_middle_of_an_update(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    updates, sent = [], []

    def look(report):
        if report.kind == "update":
            updates.append(time.monotonic())

    def interrupt():
        while len(updates) < 2:
            time.sleep(0.01)
        time.sleep((updates[1] - updates[0]) / 4)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        # Updates of 64,000 steps, which take a second or more.
        sluice.train(text=small_text() * (70_000 // len(small_text()) + 1), level="char", hidden=256, batch=32, steps=2000,
                     epochs=100, validation_split=0, progress=look)
    seconds = time.monotonic() - sent[0]
    thread.join()
    assert len(updates) == 2, "the third was not waited for"
    assert seconds < 0.75, f"answered after {seconds:.2f} s"  # 0.1 on a machine of one's own


def test_a_stopped_run_goes_on_with_the_same_bits(text_file, tmp_path):
    checkpoint = tmp_path / "checkpoint"
    with pytest.raises(sluice.Interrupted):
        sluice.train(text_file, checkpoint=checkpoint, **{**TINY, "progress": lambda r: r.update < 20})
    gone_on = sluice.train(text_file, checkpoint=checkpoint, resume=True, **TINY)
    whole = sluice.train(text_file, **TINY)
    assert not checkpoint.exists()
    for name, values in whole.state_dict().items():
        assert values.tobytes() == gone_on.state_dict()[name].tobytes(), name


def test_other_threads_run_meanwhile(text_file):
    counted = [0]
    done = threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    before = counted[0]
    sluice.train(text_file, **{**TINY, "epochs": 30})
    meanwhile = counted[0] - before
    done.set()
    thread.join()
    assert meanwhile > 20


def test_training_goes_on_from_a_model(model, text_file):
    more = sluice.train(text_file, from_model=model, **TINY)
    assert more.vocabulary == model.vocabulary
    assert more.state_dict()["head.bias"].tobytes() != model.state_dict()["head.bias"].tobytes()


def test_output_saves_and_replaces_nothing(text_file, tmp_path):
    path = tmp_path / "m.safetensors"
    made = sluice.train(text_file, output=path, **TINY)
    assert sluice.load(path).to_bytes() == made.to_bytes() and made.name == "m"
    assert os.listdir(tmp_path) == ["text.txt", "m.safetensors"] or sorted(os.listdir(tmp_path)) == [
        "m.safetensors", "text.txt"]
    with pytest.raises(sluice.Error, match="exists already"):
        sluice.train(text_file, output=path, **TINY)
    assert sluice.load(path).to_bytes() == made.to_bytes()
