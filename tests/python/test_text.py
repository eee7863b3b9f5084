"""Texts coming in: other encodings, texts that do not suit their level, standard input as against an argument, several
files, folders and gzip; and what a text begins after."""

import gzip
import json
import math
import os
import pty
import select
import subprocess

import pytest

from conftest import COMMAND, TINY, but, refused, sluice, sluice_json, small_text, tensors

PROMPT = "Ada likes the"


def train(path, folder, *options, **more):
    return sluice("train", path, "-o", folder / "m.safetensors", *but(TINY, *options), "--force", **more)


def train_refused(path, folder, *options, names, **more):
    refused("train", path, "-o", folder / "m.safetensors", *but(TINY, *options), code=3, names=names, **more)
    assert not (folder / "m.safetensors").exists()


def written(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# Encodings.


@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"])
@pytest.mark.parametrize("mark", [True, False])
def test_wide_encodings_are_named_with_what_converts_them(tmp_path, encoding, mark):
    text = ("\ufeff" if mark else "") + small_text()
    path = written(tmp_path, "wide.txt", text.encode(encoding.replace("LE", "-LE").replace("BE", "-BE")))
    for options in [], ["--lossy"], ["--level=char"]:
        train_refused(path, tmp_path, *options, names=[path, f"iconv -f {encoding} -t UTF-8"])
    refused("compare", path, code=3, names=[f"iconv -f {encoding} -t UTF-8"])


def test_wide_chinese_without_a_mark_is_named_too(tmp_path):
    path = written(tmp_path, "wide.txt", ("\u5929\u5730\u7384\u9ec4\u5b87\u5b99\u6d2a\u8352\n" * 300).encode("utf-16-le"))
    train_refused(path, tmp_path, names=[path, "UTF-16LE", "iconv -f UTF-16LE -t UTF-8"])


# Hardly a NUL, and little or nothing that is invalid: only the sameness of every other byte shows it.
THAI = "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01" * 3 + "\n"


@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE"])
@pytest.mark.parametrize("line", [THAI, "\u5929\u5730\u7384\u9ec4\u5b87\u5b99\u6d2a\u8352" * 4 + "\n"],
                         ids=["thai", "chinese"])
def test_lossy_reading_does_not_make_a_text_of_utf_16(tmp_path, models, encoding, line):
    path = written(tmp_path, "wide.txt", (line * 300).encode(encoding.replace("16", "16-")))
    for options in [], ["--lossy"], ["--level=char", "--lossy"]:
        train_refused(path, tmp_path, *options, names=[path, f"iconv -f {encoding} -t UTF-8"])
    labelled = written(tmp_path, "labelled.txt", "".join(f"__label__{i % 2} {line}" for i in range(300))
                       .encode(encoding.replace("16", "16-")))
    train_refused(labelled, tmp_path, "--task=classify", "--lossy", names=[labelled, f"iconv -f {encoding} -t UTF-8"])


def test_what_lossy_reading_replaces_is_no_secret(tmp_path):
    old = written(tmp_path, "old.txt", (small_text() + "caf\u00e9 \u00e0 la cr\u00e8me\n" * 400).encode("latin-1"))
    _, err = train(old, tmp_path, "--lossy")
    assert f"warning: {old}" in err and "of its bytes are not UTF-8" in err and "iconv" in err
    damaged = written(tmp_path, "damaged.txt", small_text().encode() * 4 + b"caf\xe9 \xff\n")
    assert "not UTF-8" not in train(damaged, tmp_path, "--lossy")[1]
    classes = "".join(f"__label__{name} {drink} {i}\n" for i in range(150)
                      for name, drink in (("a", "caf\u00e9"), ("b", "th\u00e9")))
    labelled = written(tmp_path, "labelled.txt", classes.encode("latin-1"))
    assert "of its bytes are not UTF-8" in train(labelled, tmp_path, "--task=classify", "--lossy")[1]


def test_one_nul_does_no_harm_and_a_binary_file_is_none(tmp_path):
    train(written(tmp_path, "nul.txt", small_text().replace("river", "ri\0ver", 1)), tmp_path)
    (tmp_path / "m.safetensors").unlink()
    binary = written(tmp_path, "binary", (b"\0\0\1abc" * 500 + b"\0" * 37) * 3)
    train_refused(binary, tmp_path, names=[binary, "NUL"])


@pytest.mark.parametrize("encoding", ["LATIN1", "WINDOWS-1252"])
def test_old_encodings_are_refused_with_what_to_do(tmp_path, models, encoding):
    sentence = small_text() + ("caf\u00e9" if encoding == "LATIN1" else "\u201cquoted\u201d")
    path = written(tmp_path, "old.txt", sentence.encode("latin-1" if encoding == "LATIN1" else "cp1252") + b"\n")
    train_refused(path, tmp_path, names=[path, f"iconv -f {encoding} -t UTF-8", "--lossy", "at byte"])
    refused("eval", models["gru"], path, code=3, names=[f"iconv -f {encoding} -t UTF-8"])
    train(path, tmp_path, "--lossy")


# Texts that do not suit.


def chinese(lines=300):
    signs, state, text = "\u5929\u5730\u7384\u9ec4\u5b87\u5b99\u6d2a\u8352\u65e5\u6708\u76c8\u6603", 7, []
    for _ in range(lines):
        line = ""
        for _ in range(24):
            state = (state * 1103515245 + 12345) % 2**31
            line += signs[(state >> 8) % len(signs)] + ("\uff0c" if (state >> 16) % 7 == 0 else "")
        text.append(line + "\u3002")
    return "\n".join(text) + "\n"


def thai(lines=300):
    return "\n".join(chinese(1).strip().translate({ord(c): chr(0x0e01 + i) for i, c in enumerate(sorted(set(chinese(1))))})
                     + str(i) for i in range(lines)) + "\n"


def test_a_text_of_words_seen_once_names_the_level_that_fits(tmp_path):
    path = written(tmp_path, "zh.txt", chinese())
    _, err = train(path, tmp_path)
    (warning,) = [line for line in err.splitlines() if line.startswith("warning: ")]
    assert "% of the tokens are unknown at level word" in warning and "--level char" in warning, warning
    assert sluice_json("train", path, "-o", tmp_path / "m.safetensors", *TINY, "--force")["warnings"] == [
        warning.removeprefix("warning: ")]
    assert "warning" not in train(path, tmp_path, "--level=char")[1]
    _, err = sluice("compare", path, "--cells=gru", *TINY)
    assert "--level char" in err


def test_a_text_of_nothing_but_words_seen_once_names_it_too(tmp_path):
    train_refused(written(tmp_path, "th.txt", thai()), tmp_path, names=["vocabulary", "--level char"])


def test_a_script_without_spaces_is_seen_where_its_sentences_repeat(tmp_path):
    path = written(tmp_path, "zh.txt", chinese(20) * 20)
    _, err = train(path, tmp_path)
    assert "without spaces between words" in err and "--level char" in err


@pytest.mark.parametrize("row", ["2021-01-{0:02d},{1}.50,{2}\n", "{1};{2},5;7\n", "{1}.25\n", "{1}\t-{2}e-3\t{2}\n"])
def test_a_table_of_numbers_is_called_one(tmp_path, row):
    table = "date,temp,load\n" + "".join(row.format(i % 28 + 1, i * 7 % 31, i * 5 % 17) for i in range(400))
    _, err = train(written(tmp_path, "series.csv", table), tmp_path, "--task=language")
    assert "table of numbers" in err and "--task forecast" in err and "--task classify" in err


def test_an_ordinary_text_is_not_warned_about(tmp_path, text):
    for level in "word", "char", "pretokenized":
        assert "warning" not in train(text, tmp_path, f"--level={level}")[1]
    verses = "".join(f"In the year {1900 + i % 80}, {i % 7} of them, or so, went home by train.\n" for i in range(300))
    assert "warning" not in train(written(tmp_path, "years.txt", verses), tmp_path)[1]


# Standard input.


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r"])
def test_standard_input_is_the_same_text_as_an_argument(models, end):
    model = models["gru"]
    piped = (PROMPT + end).encode()
    for verb in "explain", "gates":
        assert sluice(verb, model, "-", input=piped)[0] == sluice(verb, model, PROMPT)[0]
    assert sluice_json("complete", model, input=piped) == sluice_json("complete", model, PROMPT)
    assert sluice_json("complete", model, "-", input=piped) == sluice_json("complete", model, PROMPT)


def test_lines_inside_a_text_are_kept(models):
    inside = sluice_json("gates", models["gru"], "Ada likes\nBela sees")
    for ends in b"Ada likes\nBela sees\n", b"Ada likes\rBela sees", b"Ada likes\r\nBela sees\r\n", b"\xef\xbb\xbfAda likes\nBela sees":
        assert sluice_json("gates", models["gru"], "-", input=ends) == inside


def answers(models, lines, *options, code=0):
    out, err = sluice("complete", models["gru"], "--json", "--top=1", *options, input=lines, code=code)
    return [json.loads(line) for line in out.splitlines()], err


def test_every_kind_of_line_end_ends_a_line(models):
    found, _ = answers(models, b"Ada likes\rBela sees\r\nDora\n\nChen")
    assert [answer["prompt"] for answer in found] == ["Ada likes", "Bela sees", "Dora", "", "Chen"]


def test_one_bad_line_leaves_the_others_answered(models):
    found, err = answers(models, b"Ada likes\nBe\xffla\nChen sees\nDo\xc3\n", code=3)
    assert [answer.get("prompt") for answer in found] == ["Ada likes", None, "Chen sees", None]
    for number in 2, 4:
        assert found[number - 1]["line"] == number and f"line {number}: expected UTF-8" in found[number - 1]["error"]
        assert f"sluice: standard input, line {number}: expected UTF-8" in err
    out, err = sluice("complete", models["gru"], "-n3", input=b"Ada likes\nBe\xffla\nChen sees\n", code=3)
    assert len(out.splitlines()) >= 2 and "line 2" in err and "Chen sees" in out


def test_a_bad_text_names_its_line(models):
    for verb in "explain", "gates":
        refused(verb, models["gru"], "-", input=b"Ada\nlikes \xff the\n", code=3, names=["line 2", "at byte 6"])


def test_wide_lines_are_refused_at_once(models):
    lines = "Ada likes the red house\nBela sees a quiet river\n".encode("utf-16-le")
    refused("complete", models["gru"], "-", input=lines, code=3, names=["standard input", "iconv -f UTF-16LE -t UTF-8"])


def test_an_answer_comes_before_the_next_line_is_typed(models):
    """A CR must not wait for an LF that may never come."""
    process = subprocess.Popen([COMMAND, "complete", models["gru"], "--json", "--top=1"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    for end in b"\n", b"\r":
        process.stdin.write(b"Ada" + end)
        process.stdin.flush()
        assert select.select([process.stdout], [], [], 20)[0], f"no answer after {end}"
        assert json.loads(process.stdout.readline())["prompt"] == "Ada"
    process.stdin.close()
    assert process.wait(timeout=20) == 0


@pytest.mark.parametrize("level", ["word", "char", "pretokenized"])
def test_a_lone_cr_ends_a_line_in_training(tmp_path, level):
    def trained(end):
        train(written(tmp_path, "ends.txt", small_text().replace("\n", end)), tmp_path, f"--level={level}")
        known = sluice_json("eval", tmp_path / "m.safetensors", written(tmp_path, "lf.txt", small_text()))
        assert known["unknown"] == 0
        return tensors(tmp_path / "m.safetensors")

    assert trained("\n") == trained("\r") == trained("\r\n")


# What a text begins after.


@pytest.fixture(scope="module")
def learned(tmp_path_factory, text):
    """Models that know their text well, one a level."""
    folder = tmp_path_factory.mktemp("learned")
    for level in "word", "char", "pretokenized":
        sluice("train", text, "-o", folder / f"{level}.safetensors", f"--level={level}", "--hidden=32", "--epochs=25",
               "--batch=4", "--steps=16", "--lr=0.01", "--threads=1", "--no-tied", "--embedding=16")
    return folder


@pytest.mark.parametrize("level", ["word", "char", "pretokenized"])
def test_a_text_begins_as_a_line_does(learned, level):
    model = learned / f"{level}.safetensors"
    assert sluice_json("complete", model, "Ada")["candidates"] == sluice_json("complete", model, "\nAda")["candidates"]
    # With nothing before it, hardly a sentence of the training text begins: what follows is far surer after a line end.
    one_of_five = {"word": "likes sees paints sells forgets".split(), "pretokenized": "likes sees paints sells forgets".split(),
                   "char": [" "]}[level]
    found = sluice_json("complete", model, "Ada", "--top=5")["candidates"]
    assert sum(c["probability"] for c in found if c["token"] in one_of_five) > 0.8, found
    assert sluice_json("complete", model, "")["candidates"], "an empty text is the beginning itself"


@pytest.mark.parametrize("level, end", [("word", "\n"), ("char", "\n"), ("pretokenized", "<eos>")])
def test_what_it_begins_after_is_named_and_is_no_word(learned, level, end):
    model = learned / f"{level}.safetensors"
    texts = "Ada likes", "\nAda likes"
    gates, inside = (sluice_json("gates", model, text) for text in texts)
    assert gates["begins_after"] == end and inside["begins_after"] is None
    assert gates["tokens"] == inside["tokens"][1:]
    kept, kept_inside = (g["layers"][0]["gates"]["retain"] for g in (gates, inside))
    assert kept == kept_inside[1:], "the gates are those behind a line end"
    explained, explained_inside = (sluice_json("explain", model, text) for text in texts)
    assert explained["begins_after"] == end and explained_inside["begins_after"] is None
    readings = explained["reading"], explained_inside["reading"]
    words, words_inside = ([word["text"] for word in reading["words"]] for reading in readings)
    assert words == gates["tokens"] == words_inside[1:]
    assert readings[0]["candidates"] == readings[1]["candidates"][1:]
    candidates = readings[0]["candidates"][-1]
    found = sluice_json("complete", model, "Ada likes")["candidates"]
    assert [c["token"] for c in candidates] == [c["token"] for c in found]
    assert [c["probability"] for c in candidates] == pytest.approx([c["probability"] for c in found], abs=1e-5)
    assert explained["connectivity"]["leave_one_out"] == pytest.approx(
        explained_inside["connectivity"]["leave_one_out"][1:], abs=1e-4)


def test_a_model_without_line_ends_begins_from_nothing(tmp_path):
    train(written(tmp_path, "line.txt", small_text().replace("\n", " ")), tmp_path)
    gates = sluice_json("gates", tmp_path / "m.safetensors", "Ada likes")
    assert gates["begins_after"] is None and gates["tokens"] == ["Ada", "likes"]
    explained = sluice_json("explain", tmp_path / "m.safetensors", "Ada likes")
    assert explained["begins_after"] is None and not any(explained["microscope"]["units"][0]["before"])


# Stops.


def test_a_continuation_stops_before_a_token_or_a_text(learned):
    def go_on(level, *options):
        return sluice_json("complete", learned / f"{level}.safetensors", "Ada likes", "-n", "60", "--temp=0", *options)

    whole = go_on("word")
    assert whole["stopped_by"] is None and "and so" in whole["continuation"] and "\n" in whole["continuation"]
    for stop, end in ((",", ","), ("\\n", "\n"), ("so it", "so it"), (". ", ". ")):
        found = go_on("word", "--stop", stop)
        if end in whole["continuation"]:
            assert found["continuation"] == whole["continuation"].split(end)[0].rstrip(" ") or end == "so it"
            assert end not in found["continuation"] and found["stopped_by"] == end
            assert whole["continuation"].startswith(found["continuation"])
    either = go_on("word", "--stop", "so", "--stop", ",")
    assert either["stopped_by"] == "," and either["continuation"] == whole["continuation"].split(",")[0]
    assert go_on("word", "--stop", "o")["continuation"], "a text inside a word"
    letters = go_on("char")
    found = go_on("char", "--stop", "and so")
    assert found["stopped_by"] == "and so" and found["continuation"] == letters["continuation"].split("and so")[0]
    assert go_on("pretokenized", "--stop", "<eos>")["stopped_by"] == "<eos>"


def test_a_stop_is_never_shown_not_even_its_beginning(learned):
    """In a terminal, where the text is seen as it is drawn."""
    leader, follower = pty.openpty()
    process = subprocess.Popen([COMMAND, "complete", learned / "char.safetensors", "Ada likes", "-n60", "--temp=0",
                                "--stop", "and so"], stdin=subprocess.DEVNULL, stdout=follower, stderr=follower,
                               env={"TERM": "dumb", "PATH": os.environ["PATH"]})
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:
            break
        shown += part
    assert process.wait(timeout=20) == 0
    expected = sluice_json("complete", learned / "char.safetensors", "Ada likes", "-n60", "--temp=0", "--stop", "and so")
    assert shown.decode().replace("\r\n", "\n") == "Ada likes" + expected["continuation"] + "\n"


def test_a_stop_alone_is_refused(learned):
    refused("complete", learned / "word.safetensors", "Ada", "--stop=x", code=2, names=["--stop", "-n"])
    refused("complete", learned / "word.safetensors", "Ada", "-n3", "--stop=", code=2, names=["--stop"])


# Evaluation.


def test_eval_says_what_unknown_words_hide(learned, tmp_path):
    model = learned / "word.safetensors"
    foreign = written(tmp_path, "german.txt", "Ada mag das rote Haus, und so geht es weiter.\nBela mag den See.\n" * 30)
    found = sluice_json("eval", model, foreign)
    known = found["without_unknown"]
    assert found["unknown_share"] > 0.4 and known["tokens"] == found["tokens"] - found["unknown"]
    assert known["perplexity"] == pytest.approx(math.exp(known["nats_per_token"]))
    out, _ = sluice("eval", model, foreign)
    assert "words that the model does not know" in out and f"{known['perplexity']:.3f}" in out
    out, _ = sluice("eval", model, written(tmp_path, "known.txt", small_text()))
    assert "does not know" not in out
    same = sluice_json("eval", model, tmp_path / "known.txt")
    assert same["unknown"] == 0 and same["without_unknown"]["nats_per_token"] == same["nats_per_token"]


def test_eval_of_nothing_but_unknown_words(learned, tmp_path):
    path = written(tmp_path, "none.txt", "qu\u00e9 va " * 20)
    found = sluice_json("eval", learned / "word.safetensors", path)
    assert found["unknown"] == found["tokens"] and found["without_unknown"] is None
    assert "There are no others" in sluice("eval", learned / "word.safetensors", path)[0]


@pytest.mark.parametrize("level", ["word", "char", "pretokenized"])
def test_eval_scores_lines(learned, tmp_path, level):
    model = learned / f"{level}.safetensors"
    lines = ["Ada likes the red house, and so it goes.", "so Zyzzyva goes it and.", "", "Bela sees a quiet river, and so it goes."]
    path = written(tmp_path, "lines.txt", "\n".join(lines))
    out, _ = sluice("eval", model, path, "--lines", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["line"] for row in rows] == [1, 2, 3, 4]
    assert rows[0]["perplexity"] < rows[1]["perplexity"] > rows[3]["perplexity"]
    for row, line in zip(rows, lines):
        tokens = sluice_json("gates", model, line)["tokens"] if line else []
        assert row["tokens"] == len(tokens) + 1, "the line's end is predicted too"
        assert row["perplexity"] == pytest.approx(math.exp(row["nats"] / row["tokens"]))
    assert rows[1]["unknown"] == {"word": 1, "pretokenized": 3, "char": rows[1]["unknown"]}[level]
    # Each by itself: alone it scores the same, and so through a pipe.
    (alone,) = sluice("eval", model, "-", "--lines", "--json", input=lines[3].encode())[0].splitlines()
    assert json.loads(alone)["nats"] == rows[3]["nats"]
    plain = [line.split("\t") for line in sluice("eval", model, path, "--lines")[0].splitlines()]
    assert [row[2:] for row in plain] == [[str(r["tokens"]), str(r["unknown"])] for r in rows]
    assert float(plain[0][0]) == pytest.approx(rows[0]["nats"], abs=1e-4)


def test_a_bad_line_leaves_the_others_scored(learned):
    model = learned / "word.safetensors"
    out, err = sluice("eval", model, "-", "--lines", "--json", input=b"Ada\nBe\xffla\nChen\n", code=3)
    rows = [json.loads(line) for line in out.splitlines()]
    assert [("error" in row, row["line"]) for row in rows] == [(False, 1), (True, 2), (False, 3)]
    assert "standard input, line 2" in err
    out, _ = sluice("eval", model, "-", "--lines", input=b"Ada\nBe\xffla\nChen\n", code=3)
    assert len(out.splitlines()) == 3
    refused("eval", model, "-", "--lines", "--batch=4", input=b"Ada\n", code=2, names=["--batch"])


# Several files.


def test_files_folders_and_gzip_are_one_text(tmp_path, learned):
    lines = small_text().splitlines(keepends=True)
    parts = ["".join(lines[at:at + 50]) for at in range(0, 250, 50)]
    whole = written(tmp_path, "whole.txt", small_text())
    corpus = tmp_path / "corpus"
    written(corpus, "a.txt", "\ufeff" + parts[0].rstrip("\n"))  # each file ends its last line
    written(corpus, "b/1.txt.gz", gzip.compress(parts[1].encode()) + gzip.compress(b""))
    written(corpus, "b/2.txt", "")
    written(corpus, "c.gz", gzip.compress(parts[2][:100].encode()) + gzip.compress(parts[2][100:].encode()))
    written(corpus, "d", parts[3].replace("\n", "\r\n"))
    written(corpus, ".hidden", "not this\n")
    written(corpus, ".git/config", "nor this\n")
    last = written(tmp_path, "last.txt", parts[4])

    def trained(*files):
        result = sluice_json("train", *files, "-o", tmp_path / "m.safetensors", *TINY, "--force")
        return result, tensors(tmp_path / "m.safetensors")

    result, weights = trained(corpus, last)
    assert weights == trained(whole)[1]
    names = [str(corpus / name) for name in ("a.txt", "b/1.txt.gz", "b/2.txt", "c.gz", "d")] + [str(last)]
    assert result["files"] == names
    _, err = sluice("train", corpus, last, "-o", tmp_path / "m.safetensors", *TINY, "--force")
    assert "6 files" in err and str(corpus / "b/1.txt.gz") in err
    found = sluice_json("eval", learned / "word.safetensors", corpus, last)
    assert found.pop("files") == names
    assert found == sluice_json("eval", learned / "word.safetensors", whole)
    assert "6 files" in sluice("eval", learned / "word.safetensors", f"{corpus}/", last)[1]
    assert sluice_json("compare", corpus, last, "--cells=gru", *TINY)["cells"][0]["nats_per_token"] == \
        sluice_json("compare", whole, "--cells=gru", *TINY)["cells"][0]["nats_per_token"]
    _, err = sluice("train", whole, "-o", tmp_path / "m.safetensors", *TINY, "--force", "--validation", corpus)
    assert "5 files" in err


def test_gzip_on_standard_input(tmp_path, learned):
    model = learned / "word.safetensors"
    assert sluice_json("eval", model, "-", input=gzip.compress(small_text().encode())) == \
        sluice_json("eval", model, "-", input=small_text().encode())
    out, _ = sluice("eval", model, "-", "--lines", input=gzip.compress(b"Ada likes\nBela\n"))
    assert len(out.splitlines()) == 2


def test_bad_files_among_several_are_named(tmp_path, text):
    cut = written(tmp_path, "cut.gz", gzip.compress(small_text().encode())[:-200])
    train_refused(cut, tmp_path, names=[cut, "gzip", "cut short"])
    damaged = bytearray(gzip.compress(small_text().encode()))
    damaged[len(damaged) // 2] ^= 255
    damaged = written(tmp_path, "damaged.gz", bytes(damaged))
    train_refused(damaged, tmp_path, names=[damaged, "gzip"])
    bad = written(tmp_path, "several/2.txt", b"fine \xff\n")
    written(tmp_path, "several/1.txt", "fine\n" * 50)
    train_refused(bad.parent, tmp_path, names=[bad, "at byte 5"])
    refused("train", text, tmp_path / "none.txt", "-o", tmp_path / "m.safetensors", *TINY, code=3, names=["none.txt"])
    (tmp_path / "empty").mkdir()
    train_refused(tmp_path / "empty", tmp_path, names=["empty", "director", "none"])
    refused("train", "-", "-", "-o", tmp_path / "m.safetensors", *TINY, code=2, names=["standard input"])
    written(tmp_path, "blank/1.txt", "")
    train_refused(written(tmp_path, "blank/2.txt", " \n").parent, tmp_path, names=["blank", "only white space"])
