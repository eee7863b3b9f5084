"""The course of a training as it is kept: lines of a log, a page made of them, event files for TensorBoard; and the log
of a training that goes on, as sluice serve --watch answers it."""

import json
import re
import signal
import time

import pytest
from conftest import LONG, TINY, but, refused, sluice, sluice_json, start, tensors
from served import Server

LISTS = ["updates", "validations", "gates"]


def lines_of(log, kind=None):
    return [line for line in map(json.loads, log.read_text().splitlines()) if kind in (None, line["kind"])]


def course_of(page):
    """The data inside a page."""
    return json.loads(re.search(r'id="sluice-data">(.*?)</script>', page.read_text(), re.DOTALL)[1])


def equals_log(course, log):
    """Whether every row of a course is what the lines of the log say: each, or of several the mean, the least and the
    most."""
    updates = lines_of(log, "update")
    rows = course["updates"]
    assert [row for first, last in zip(rows["first"], rows["last"]) for row in range(first, last + 1)] == [
        one["update"] for one in updates]
    for i, (first, last) in enumerate(zip(rows["first"], rows["last"])):
        part = updates[first - updates[0]["update"]:last + 1 - updates[0]["update"]]
        assert rows["learning_rate"][i] == part[-1]["learning_rate"] and rows["epoch"][i] == part[-1]["epoch"]
        assert rows["tokens_per_second"][i] == part[-1]["tokens_per_second"]
        for name in ("loss", "gradient_norm"):
            values = [one[name] for one in part]
            if first == last:
                assert rows[name][i] == values[0]
                continue
            assert rows[name][i] == pytest.approx(sum(values) / len(values), rel=1e-12)
            assert (rows[f"{name}_low"][i], rows[f"{name}_high"][i]) == (min(values), max(values))
    validations = lines_of(log, "validation")
    if course["validations"]["stride"] == 1:
        assert course["validations"]["validation_loss"] == [one["validation_loss"] for one in validations]
        assert course["validations"]["last"] == [one["update"] for one in validations]
        counts = [[bins for layer in one["layers"] for bins in layer["gates"].values()] for one in lines_of(log, "gates")]
        assert course["gates"]["counts"] == counts
    best = [one for one in validations if one["best"]]
    assert course["kept"] == {name: best[-1][name] for name in ("epoch", "update", "validation_loss")}
    return True


@pytest.fixture(scope="module")
def recorded(text, tmp_path_factory):
    """A training with everything that is kept of it; the object that it printed."""
    folder = tmp_path_factory.mktemp("recorded")
    found = sluice_json("train", text, "-o", folder / "m", *but(TINY, "--epochs=5", "--layers=2"), "--log",
                        folder / "log", "--html", folder / "page.html", "--tensorboard", folder / "events")
    return folder, found


def test_the_log_says_what_the_run_is_and_what_its_gates_do(recorded):
    folder, found = recorded
    lines = lines_of(folder / "log")
    first = lines[0]
    assert (first["kind"], first["cell"], first["layers"], first["parameters"]) == ("start", "gru", "2x16",
                                                                                   found["parameters"])
    assert first["updates"] == found["updates"] and first["epochs"] == 5 and first["resumed"] is False
    ngram, = lines_of(folder / "log", "ngram")
    assert ngram["validation_loss"] == pytest.approx(found["ngram"]["validation_loss"], abs=1e-6)
    validations, gates = lines_of(folder / "log", "validation"), lines_of(folder / "log", "gates")
    losses = [one["validation_loss"] for one in validations]
    assert [one["best"] for one in validations] == [loss == min(losses[:i + 1]) for i, loss in enumerate(losses)]
    assert [one["update"] for one in gates] == [one["update"] for one in validations]
    for one in gates:
        assert [layer["layer"] for layer in one["layers"]] == [0, 1]
        for layer in one["layers"]:
            assert list(layer["gates"]) == ["retain", "reset"]
            for bins in layer["gates"].values():
                assert len(bins) == 20 and sum(bins) % 16 == 0 and 16 * 16 <= sum(bins) <= 16 * 256
    assert gates[0]["layers"] != gates[-1]["layers"], "they learn"


def test_what_is_kept_of_it_changes_no_bit(recorded, text, tmp_path):
    folder, _ = recorded
    sluice("train", text, "-o", tmp_path / "m", *but(TINY, "--epochs=5", "--layers=2"))
    assert tensors(tmp_path / "m") == tensors(folder / "m")


def test_the_page_is_the_log(recorded):
    folder, found = recorded
    course = course_of(folder / "page.html")
    assert equals_log(course, folder / "log")
    assert course["updates"]["stride"] == 1 and len(course["updates"]["last"]) == found["updates"]
    assert course["end"]["kind"] == "done" and course["ngram"]["order"] == 5
    assert course["gates"]["gates"] == [{"layer": layer, "gate": gate} for layer in (0, 1) for gate in ("retain", "reset")]
    assert course["start"]["clip_norm"] == 1
    # It asks nobody, and nothing in it is what a name of a file made of it.
    page = (folder / "page.html").read_text()
    assert "default-src 'none'" in page and not re.search(r"<(script|link)[^>]+(src|href)=\"(?!data:)", page)
    assert not (folder / "page.html.lock").exists()


def test_a_page_of_very_many_updates_stays_small(text, tmp_path):
    log, page = tmp_path / "log", tmp_path / "page.html"
    sluice("train", text, "-o", tmp_path / "m", "--cell=rnn", "--hidden=2", "--epochs=60", "--batch=1", "--steps=2",
           "--threads=1", "--log", log, "--html", page, timeout=120)
    course = course_of(page)
    assert len(lines_of(log, "update")) > 30000 and course["updates"]["stride"] >= 16
    assert 1024 <= len(course["updates"]["last"]) <= 2048
    assert equals_log(course, log)
    assert course["gates"]["gates"] == [], "a plain RNN has none"
    assert page.stat().st_size < 1e6


def test_tasks_without_words_have_a_page_too(tmp_path):
    table, log = tmp_path / "t.csv", tmp_path / "log"
    table.write_text("t,x\n" + "".join(f"{t},{t % 7}\n" for t in range(300)))
    sluice("train", table, "-o", tmp_path / "m", "--time=t", "--horizon=3", "--hidden=4", "--epochs=2", "--threads=1",
           "-q", "--log", log, "--html", tmp_path / "page.html")
    course = course_of(tmp_path / "page.html")
    assert equals_log(course, log) and course["ngram"] is None
    assert course["start"]["loss_unit"] == "pinball loss" and len(course["gates"]["last"]) == 2


def wait_for(what, condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"no {what} within {seconds} seconds"
        time.sleep(0.02)


def test_a_page_while_it_trains_when_it_is_stopped_and_when_it_goes_on(text, tmp_path):
    """The page of a run that was stopped and went on is that of a run that never was."""
    log, page, events = tmp_path / "log", tmp_path / "page.html", tmp_path / "events"
    arguments = ["train", text, "-o", tmp_path / "m", *LONG, "--log", log, "--html", page, "--tensorboard", events]
    process = start(*arguments)
    wait_for("validation on the page", lambda: page.exists() and course_of(page)["validations"]["last"])
    wait_for("checkpoint", (tmp_path / "m.checkpoint").exists)
    assert course_of(page)["end"] is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    stopped = course_of(page)
    assert stopped["end"] == {"kind": "stopped", "message": "stopped by SIGINT"}
    assert equals_log(stopped, log)
    sluice(*arguments, "--resume", timeout=120)
    course = course_of(page)
    assert course["end"]["kind"] == "done"
    whole, once = tmp_path / "whole", tmp_path / "once"
    sluice("train", text, "-o", whole, *LONG, "--log", once, timeout=120)
    updates = lines_of(once, "update")
    assert course["updates"]["first"][0] == 1 and course["updates"]["last"][-1] == len(updates)
    first = course["updates"]["first"]
    assert first == sorted(set(first))
    if course["updates"]["stride"] == 1:
        assert course["updates"]["loss"] == [one["loss"] for one in updates]
    assert course["validations"]["validation_loss"] == [one["validation_loss"] for one in lines_of(once, "validation")]
    assert course["gates"]["last"] == [one["update"] for one in lines_of(once, "gates")]
    # Event files: one a run; together they are the run that was never stopped.
    assert len(list(events.iterdir())) == 2
    found = event_accumulator(events)
    assert [(one.step, one.value) for one in found.Scalars("loss/training")] == [
        (one["update"], pytest.approx(one["loss"], rel=1e-6)) for one in updates]
    assert [one.step for one in found.Scalars("loss/validation")] == [
        one["update"] for one in lines_of(once, "validation")]


def event_accumulator(folder):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator",
                                 reason="needs tensorboard from PyPI")
    everything = dict.fromkeys(reader.DEFAULT_SIZE_GUIDANCE, 0)
    return reader.EventAccumulator(str(folder), everything).Reload()


def test_tensorboard_reads_the_event_files(recorded):
    folder, _ = recorded
    found = event_accumulator(folder / "events")
    assert set(found.Tags()["scalars"]) == {"loss/training", "loss/validation", "learning_rate", "gradient_norm",
                                            "tokens_per_second"}
    for tag, kind, name in (("loss/training", "update", "loss"), ("learning_rate", "update", "learning_rate"),
                            ("gradient_norm", "update", "gradient_norm"),
                            ("tokens_per_second", "update", "tokens_per_second"),
                            ("loss/validation", "validation", "validation_loss")):
        wanted = [(one["update"], pytest.approx(one[name], rel=1e-6)) for one in lines_of(folder / "log", kind)]
        assert [(one.step, one.value) for one in found.Scalars(tag)] == wanted, tag
    logged = lines_of(folder / "log", "gates")
    for layer in (0, 1):
        for gate in ("retain", "reset"):
            seen = found.Histograms(f"gates/layer_{layer}/{gate}")
            assert [one.step for one in seen] == [one["update"] for one in logged]
            for one, line in zip(seen, logged):
                value, bins = one.histogram_value, line["layers"][layer]["gates"][gate]
                assert value.bucket == bins and value.num == sum(bins)
                assert value.bucket_limit == pytest.approx([(i + 1) / 20 for i in range(20)])
                mean = value.sum / value.num
                assert sum(b * i / 20 for i, b in enumerate(bins)) <= value.sum <= sum(
                    b * (i + 1) / 20 for i, b in enumerate(bins))
                assert value.sum_squares / value.num >= mean * mean
    assert abs(found.FirstEventTimestamp() - (folder / "log").stat().st_mtime) < 60


def test_nothing_is_overwritten(recorded, text, tmp_path):
    folder, _ = recorded
    page, events = folder / "page.html", folder / "events"
    before, there = page.read_bytes(), sorted(events.iterdir())
    base = ["train", text, "-o", tmp_path / "m", *TINY]
    refused(*base, "--html", page, code=1, names=[page])
    refused(*base, "--tensorboard", events, code=1, names=[there[0], "--resume", "--force"])
    refused(*base, "--tensorboard", page, code=1, names=[page, "folder"])
    refused(*base, "--tensorboard", tmp_path / "no" / "such", code=1, names=[tmp_path / "no"])
    refused(*base, "--tensorboard", tmp_path / "m", code=2, names=["--tensorboard", "no other use"])
    refused(*base, "--html", tmp_path / "m", code=2, names=["--html", "no other use"])
    assert page.read_bytes() == before and sorted(events.iterdir()) == there and not (tmp_path / "m").exists()
    (tmp_path / "other").mkdir()
    copy = tmp_path / "other" / there[0].name
    copy.write_bytes(there[0].read_bytes())
    (tmp_path / "other" / "mine.txt").write_text("mine")
    sluice(*base, "--tensorboard", tmp_path / "other", "--html", tmp_path / "page.html", "--force")
    assert not copy.exists() and len(list((tmp_path / "other").iterdir())) == 2
    assert (tmp_path / "other" / "mine.txt").read_text() == "mine"


def test_a_page_or_event_file_that_is_lost_is_said(text, tmp_path):
    """And the training is not lost with it."""
    _, err = sluice("train", text, "-o", tmp_path / "m", *TINY, "-q", "--html", "/dev/full", code=1)
    assert err.startswith("sluice: /dev/full: the page is not up to date: ") and err.count("\n") == 1
    assert (tmp_path / "m").exists()


@pytest.fixture
def watch(tmp_path):
    """A server on a log that is not there yet, and a function that asks it for what is new after an answer."""
    server = Server("--watch", tmp_path / "log", "-q")

    def ask(after=None):
        have = {} if after is None else {"run": after["run"], **{
            name: {"stride": after[name]["stride"], "count": after[name]["from"] + len(after[name]["last"])}
            for name in LISTS}}
        return server.post("training", **have)

    yield tmp_path / "log", ask, server
    assert server.stop()[0] == 143


def test_a_log_is_followed(recorded, watch):
    log, ask, server = watch
    source = (recorded[0] / "log").read_bytes().splitlines(True)
    said = ask()
    assert "is not there yet" in said["notice"] and said["updates"]["last"] == [] and said["start"] is None
    log.write_bytes(b"".join(source[:10]))
    first = ask(said)
    assert first["notice"] == "" and first["updates"]["last"] == list(range(1, 9))
    # A line of which the end is not written counts when it is.
    with open(log, "ab") as file:
        file.write(source[10] + source[11][:20])
        file.flush()
        half = ask(first)
        assert half["updates"]["last"] == [8, 9] and half["updates"]["from"] == 7, "only what is new"
        assert half["notice"] == "Line 12 has no end yet; it counts when it has one."
        file.write(source[11][20:] + b"".join(source[12:]))
    rest = ask(half)
    assert rest["notice"] == "" and rest["updates"]["from"] == 8
    whole = ask()
    assert equals_log(whole, recorded[0] / "log")
    assert {**whole, "notice": ""} == {"schema": 1, "run": whole["run"], "notice": "", "behind": False,
                                       **course_of(recorded[0] / "page.html")}
    assert len(json.dumps(ask(whole))) < 2500 < len(json.dumps(whole)), "nothing is new"


def test_a_log_that_begins_anew_or_is_gone(recorded, watch):
    log, ask, server = watch
    source = (recorded[0] / "log").read_bytes().splitlines(True)
    log.write_bytes(b"".join(source[:40]))
    before = ask()
    # Another run that wrote more than that since, into the same file.
    other = [line.replace(b'"model":"m"', b'"model":"other"') for line in source]
    log.write_bytes(b"".join(other[:60]))
    after = ask(before)
    assert after["run"] != before["run"] and after["start"]["model"] == "other" and "begun anew" in after["notice"]
    assert after["updates"]["from"] == 0 and len(after["updates"]["last"]) > len(before["updates"]["last"])
    log.write_bytes(b"".join(source[:5]))
    shorter = ask(after)
    assert len(shorter["updates"]["last"]) == 3 and shorter["run"] > after["run"]
    log.unlink()
    gone = ask(shorter)
    assert "is gone" in gone["notice"] and gone["run"] == shorter["run"] and gone["updates"]["last"] == [3]
    log.mkdir()
    assert "cannot be read" in ask(shorter)["notice"]
    log.rmdir()


def test_rubbish_in_a_log_is_left_out(recorded, watch):
    log, ask, server = watch
    source = (recorded[0] / "log").read_bytes().splitlines(True)
    bad = [b"\xff\xfe\x00 no line\n", b"[" * 5000 + b"\n", b"{\"kind\": \"poem\"}\n", b"17\n", b"\n",
           b"{\"kind\": \"update\"}\n", b"{\"kind\":\"update\",\"update\":-4}\n",
           b"{\"kind\":\"gates\",\"update\":3,\"layers\":[{\"gates\":{\"retain\":[1,2]}}]}\n", b"x" * 3000000 + b"\n"]
    log.write_bytes(source[0] + bad[0] + b"".join(source[1:]))
    one = ask()
    assert one["notice"] == "Line 2 is none of a log of sluice train, and is left out."
    log.write_bytes(source[0] + b"".join(bad) + b"".join(source[1:]))
    said = ask()
    assert f"{len(bad)} lines, the first of them line 2, are none of a log" in said["notice"]
    assert equals_log(said, recorded[0] / "log")
    # Numbers of any kind are read as numbers or as none.
    log.write_text('{"kind":"update","update":1,"loss":null,"learning_rate":"x","gradient_norm":1e308}\n'
                   '{"kind":"warning","message":["a"],"update":1}\n{"kind":"start","cell":{"a":1},"resumed":3}\n')
    said = ask()
    assert said["start"] == {} and said["updates"]["last"] == [], "a start that is none of a run that goes on"
    assert server.alive()


def test_what_a_watching_server_is_asked_wrongly(watch):
    _, _, server = watch
    for body in ({"run": -1}, {"run": "a"}, {"other": 1}, {"updates": 3}, {"updates": {"stride": 1, "more": 1}},
                 {"gates": {"count": 1.5}}):
        status, _, answer = server.ask("POST", "/api/v1/training", body)
        assert status == 400 and json.loads(answer)["error"]["message"], body
    for body in (b"", b"[]", b"{" * 200, b"\xff"):
        assert server.ask("POST", "/api/v1/training", body)[0] == 400, body
    assert server.ask("GET", "/api/v1/training")[0] == 405
    assert server.ask("POST", "/", {})[0] == 405
    assert server.ask("GET", "/api/v1/info")[0] == 404
    status, headers, page = server.ask("GET", "/")
    assert status == 200 and b"How a training goes" in page and headers["Content-Type"].startswith("text/html")
    # What nobody can have is answered with all that there is.
    assert server.post("training", run=1, updates={"stride": 7, "count": 2**53})["updates"]["from"] == 0


def test_serve_wants_models_or_a_log(models, tmp_path):
    refused("serve", code=2, names=["MODEL", "--watch"])
    refused("serve", models["gru"], "--watch", tmp_path / "log", code=2, names=["MODEL", "--watch"])
    refused("serve", "--watch", tmp_path, code=2, names=["--watch", tmp_path])
