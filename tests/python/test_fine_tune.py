"""train --from: a saved model is trained further, with its vocabulary or a larger one, and a stopped run goes on."""

import time

import pytest

from conftest import LONG, TINY, but, refused, sluice, sluice_json, start, tensors

NEW = "Zoë praises a purple zeppelin, and so it goes.\nZoë sees the purple zeppelin, and so it goes.\n" * 100


@pytest.fixture(scope="module")
def model(text, tmp_path_factory):
    path = tmp_path_factory.mktemp("from") / "m.safetensors"
    sluice("train", text, "-o", path, *but(TINY, "--epochs=20", "--lr=0.01"))
    return path


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "other.txt"
    path.write_text(NEW)
    return path


def options(*instead):
    return but(["--batch=4", "--steps=8", "--threads=1", "--epochs=2"], *instead)


def test_a_run_that_goes_astray_says_so_and_keeps_the_model(text, model, tmp_path):
    path = tmp_path / "astray"
    out, said = sluice("train", text, "-o", path, "--from", model, *options("--lr=100", "--epochs=3"))
    assert "training diverged" in said and "try a much lower learning rate" in said
    assert "best so far" not in said and "best after epoch" not in out
    # It is not told to go on with that.
    assert "train longer" not in out + said and "--epochs" not in out + said
    before, after = (sluice_json("eval", one, text)["nats_per_token"] for one in (model, path))
    assert before == after


def test_it_begins_where_the_model_was(text, model, tmp_path):
    before = sluice_json("eval", model, text)["nats_per_token"]
    further = sluice_json("train", text, "-o", tmp_path / "m", "--from", model, *options("--lr=1e-9", "--epochs=1", "--dropout=0.1"), "-q")
    assert further["train_loss"] == pytest.approx(before, rel=0.2)
    assert further["train_loss"] < further["guess_loss"]
    notes = sluice_json("info", tmp_path / "m")["notes"]
    assert notes["trained"]["from"]["model"] == "m.safetensors" and notes["trained"]["from"]["text"] == "small.txt"
    assert notes["origin"].startswith("weights with hash ")


def test_words_it_does_not_know_are_unknown_or_learned(model, other, tmp_path):
    known = sluice_json("info", model)["vocabulary"]["size"]
    same = sluice_json("train", other, "-o", tmp_path / "same", "--from", model, *options(), "-q")
    assert same["vocabulary"] == known and same["text_unknown"] > 0
    grown = sluice_json("train", other, "-o", tmp_path / "grown", "--from", model, "--grow-vocabulary",
                        *options("--epochs=10", "--lr=0.01"), "-q")
    assert grown["vocabulary"] == known + 4 and grown["text_unknown"] == 0
    out, _ = sluice("complete", tmp_path / "grown", "Zoë praises a purple", "--top=1", "-q")
    assert out.split()[0] == "zeppelin"


def test_words_beyond_the_largest_vocabulary_are_counted(model, other, tmp_path):
    known = sluice_json("info", model)["vocabulary"]["size"]
    def grow(most):
        arguments = ["train", other, "-o", tmp_path / "grown", "--force", "--from", model, "--grow-vocabulary",
                     f"--max-vocabulary={most}", *options()]
        _, err = sluice(*arguments)
        return sluice_json(*arguments, "-q"), err
    few, said = grow(6)
    left_out = known + 4 - few["vocabulary"]
    assert 0 < left_out <= 4
    sentence = f"--max-vocabulary 6 leaves out {left_out} tokens that the model does not know"
    assert f"warning: {other}: {sentence}" in said and sentence in few["warnings"][0]
    for enough in (0, 1000):
        many, said = grow(enough)
        assert many["vocabulary"] == known + 4 and "leaves out" not in said and many["warnings"] == []
    refused("train", other, "-o", tmp_path / "no", "--from", model, "--grow-vocabulary", "--max-vocabulary=2", *options(),
            code=2, names=["max-vocabulary", "at least 3"])


def test_a_stopped_run_goes_on_with_the_same_bits(text, model, tmp_path):
    given = ["--from", model, "--grow-vocabulary", *LONG]
    without = ("--hidden", "--layers", "--epochs")
    given = [option for option in given if not str(option).startswith(without)] + ["--epochs=300"]
    sluice("train", text, "-o", tmp_path / "whole", *given)
    path = tmp_path / "cut"
    process = start("train", text, "-o", path, *given, "--checkpoint-seconds=.02")
    while not (tmp_path / "cut.checkpoint").exists() and process.poll() is None:
        time.sleep(0.005)
    time.sleep(0.1)
    process.terminate()
    process.communicate()
    assert process.returncode == 143, "it was stopped in the middle"
    # Neither from other weights nor from none.
    refused("train", text, "-o", path, *given[2:], "--resume", code=2, names=["--grow-vocabulary", "--from"])
    again = tmp_path / "again.safetensors"
    sluice("train", text, "-o", again, "--from", model, *options("--lr=0.01"))
    refused("train", text, "-o", path, "--from", again, *given[2:], "--resume", code=3, names=["cannot resume", "origin"])
    sluice("train", text, "-o", path, *given, "--resume")
    assert tensors(path) == tensors(tmp_path / "whole")


def test_what_does_not_fit_the_model_is_refused(text, model, models, tmp_path):
    output = tmp_path / "m"
    for wrong, names in [(["--hidden=32"], ["16", "32"]), (["--cell=lstm"], ["gru", "lstm"]),
                         (["--level=char"], ["--level", "--from"]), (["--lowercase"], ["--lowercase", "--from"]),
                         (["--min-count=3"], ["--min-count", "--grow-vocabulary"])]:
        refused("train", text, "-o", output, "--from", model, *options(), *wrong, code=2, names=names)
    refused("train", text, "-o", output, "--grow-vocabulary", *TINY, code=2, names=["--grow-vocabulary", "--from"])
    refused("train", "-", "-o", output, "--from", model, "--grow-vocabulary", *options(), code=2, input=b"text",
            names=["--grow-vocabulary", "standard input"])
    refused("train", text, "-o", output, "--from", text, *options(), code=3, names=[text])
    assert not output.exists()
