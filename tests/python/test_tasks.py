"""Tasks besides language: classify, tag and music, by train, eval and predict."""

import json
import math
import random

import pytest

from conftest import refused, sluice, sluice_json

QUICK = ["--hidden=12", "--epochs=60", "--seed=3", "--learning-rate=.01"]


def rows(seed, count=60):
    """Noise; the class says whether the first number is above 0."""
    draw = random.Random(seed)
    lines = []
    for _ in range(count):
        numbers = [draw.uniform(-1, 1) for _ in range(6)]
        lines.append(([f"{x:.4f}" for x in numbers], "up" if numbers[0] > 0 else "down"))
    return lines


def ts(path, seed, count=60, label=True):
    head = "@problemName t\n@univariate true\n@classLabel " + ("true down up" if label else "false") + "\n@data\n"
    path.write_text(head + "".join(",".join(x) + (f":{y}" if label else "") + "\n" for x, y in rows(seed, count)))
    return path


def names_that_end(path, first, second):
    """A class and a name a line; the end of the name says which class."""
    draw = random.Random(1)
    path.write_text("".join(f"{kind}\t{''.join(draw.choice('bdg') for _ in range(3))}{end}\n"
                            for _ in range(100) for kind, end in (("first", first), ("second", second))))
    return path


def sentences(path, seed, count=120):
    """A word's tag is whether the next word is the same: only a network that reads backward can know."""
    draw = random.Random(seed)
    text = ""
    for _ in range(count):
        words = [draw.choice("abc") for _ in range(draw.randint(2, 7))]
        for i, word in enumerate(words):
            same = i + 1 < len(words) and words[i + 1] == word
            text += "\t".join([str(i + 1), word, "_", "SAME" if same else "OTHER", *["_"] * 6]) + "\n"
        text += "\n"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classify")
    path = folder / "m.safetensors"
    out, said = sluice("train", ts(folder / "train.ts", 1, 200), "-o", path, *QUICK)
    assert "task classify" in said and "--task language" in said
    assert "sequences" in out and "nats per sequence" in out
    return path, folder


def test_a_classifier_learns_and_says_what_it_is_judged_by(classifier):
    path, folder = classifier
    test = ts(folder / "test.ts", 2)
    found = sluice_json("eval", path, test, "--training", folder / "train.ts")
    assert found["task"] == "classify" and found["rows"] == 60 and found["accuracy"] > 0.9
    assert set(found["baselines"]) == {"majority", "nearest_neighbour"}
    assert found["accuracy"] > found["baselines"]["majority"]
    page, _ = sluice("eval", path, test)
    assert f"{found['accuracy']:.4f}" in page and "loses" not in page


def test_few_sequences_have_defaults_of_their_own(tmp_path):
    def head_and_dropout(count, steps, *options):
        path, file = tmp_path / "m.safetensors", tmp_path / "f.csv"
        draw = random.Random(1)
        file.write_text("".join(",".join(f"{draw.random():.3f}" for _ in range(steps)) + f",{'ab'[i % 2]}\n"
                                for i in range(count)))
        sluice("train", file, "-o", path, "--force", "-q", "--hidden=4", "--epochs=1", "--label=last", *options)
        config = sluice_json("info", path)["config"]
        return config["head"].get("at"), config["stack"][0]["dropout"]

    assert head_and_dropout(98, 9) == ("last", .6) and head_and_dropout(100, 9) == ("mean", .3)
    assert head_and_dropout(98, 9, "--at=max", "--dropout=.1") == ("max", .1)
    assert head_and_dropout(98, 9, "--direction=sum") == ("mean", .6)


def test_predict_gives_a_row_a_sequence_whether_or_not_there_are_classes(classifier):
    path, folder = classifier
    labelled, bare = ts(folder / "labelled.ts", 5, 20), ts(folder / "bare.ts", 5, 20, label=False)
    out, _ = sluice("predict", path, bare)
    lines = [line.split("\t") for line in out.splitlines()]
    assert lines[0] == ["class", "down", "up"] and len(lines) == 21
    for name, down, up in lines[1:]:
        assert abs(float(down) + float(up) - 1) < 2e-4 and name == ("up" if float(up) > float(down) else "down")
    assert sluice("predict", path, labelled, "--labelled")[0] == out
    first = json.loads(sluice("predict", path, bare, "--json")[0].splitlines()[0])
    assert first["class"] == lines[1][0] and abs(first["probabilities"]["up"] - float(lines[1][2])) < 1e-4


def test_a_sequence_does_not_depend_on_its_neighbours(classifier):
    path, folder = classifier
    whole = ts(folder / "whole.ts", 7, 20, label=False)
    text = whole.read_text().splitlines()
    one = folder / "one.ts"
    one.write_text("\n".join([*text[:4], text[-1]]) + "\n")
    assert sluice("predict", path, one)[0].splitlines()[1] == sluice("predict", path, whole)[0].splitlines()[-1]


def test_another_file_is_refused_and_says_what_differs(classifier, tmp_path):
    path, _ = classifier
    wide = tmp_path / "wide.ts"
    wide.write_text("@problemName t\n@dimensions 2\n@classLabel true down up\n@data\n1,2:3,4:up\n")
    refused("eval", path, wide, code=3, names=["wide.ts", "1", "2"])
    other = tmp_path / "other.ts"
    other.write_text("@problemName t\n@univariate true\n@classLabel true down left\n@data\n1,2:left\n")
    refused("eval", path, other, code=3, names=["other.ts", "left"])
    text = tmp_path / "text.txt"
    text.write_text("some words\n")
    refused("eval", path, text, code=3, names=["text.txt"])
    refused("complete", path, "a", code=3, names=["complete"])
    refused("eval", path, text, "--lines", code=2, names=["--lines"])


def test_names_are_spelt_and_rows_of_numbers_are_read(tmp_path):
    names = names_that_end(tmp_path / "names.tsv", "ov", "ini")
    path = tmp_path / "names.safetensors"
    _, said = sluice("train", names, "-o", path, *QUICK[:1], "--epochs=8")
    assert "task classify" in said
    unseen = tmp_path / "unseen.txt"
    unseen.write_text("gdbov\nbbgini\n")
    out, _ = sluice("predict", path, unseen)
    assert [line.split("\t")[0] for line in out.splitlines()[1:]] == ["first", "second"]
    csv = tmp_path / "rows.csv"
    csv.write_text("".join(f"{y},{','.join(x)}\n" for x, y in rows(3, 100)))
    _, said = sluice("train", csv, "-o", tmp_path / "rows.safetensors", "--label=first", *QUICK)
    assert "rows of numbers without a header" in said
    assert sluice_json("eval", tmp_path / "rows.safetensors", csv)["accuracy"] > 0.9


def test_a_folder_with_a_file_a_class(tmp_path):
    folder = tmp_path / "kinds"
    folder.mkdir()
    draw = random.Random(2)
    for kind, end in (("first", "ov"), ("second", "ini")):
        names = ["".join(draw.choice("bdg") for _ in range(3)) + end for _ in range(60)]
        (folder / f"{kind}.txt").write_text("\n".join(names) + "\n")
    path = tmp_path / "m.safetensors"
    sluice("train", folder, "-o", path, "--task=classify", *QUICK[:1], "--epochs=10")
    found = sluice_json("eval", path, folder)
    assert found["rows"] == 120 and found["accuracy"] > 0.95


def test_a_tagger_reads_both_ways_and_gives_the_file_back(tmp_path):
    training, test = sentences(tmp_path / "train.conllu", 1, 300), sentences(tmp_path / "test.conllu", 2)
    path = tmp_path / "m.safetensors"
    _, said = sluice("train", training, "-o", path, "--hidden=16", "--epochs=20", "--dropout=0", "--input-dropout=0")
    assert "task tag" in said and "2 classes" in said
    found = sluice_json("eval", path, test, "--training", training)
    assert found["accuracy"] > 0.99 > found["baselines"]["most_frequent_tag"]
    blank = tmp_path / "blank.conllu"
    blank.write_text(test.read_text().replace("SAME", "_").replace("OTHER", "_"))
    out, _ = sluice("predict", path, blank)
    given, wanted = out.splitlines(), test.read_text().splitlines()
    same = sum(a == b for a, b in zip(given, wanted))
    assert len(given) == len(wanted) and same > 0.99 * len(wanted)


def test_music_is_measured_by_the_frame(tmp_path):
    scale = [60, 62, 64, 65, 67]
    pieces = [" ; ".join(str(scale[(start + i) % 5]) for i in range(20)) for start in range(5)] * 6
    training = tmp_path / "train.txt"
    training.write_text("\n".join(pieces) + "\n")
    path = tmp_path / "m.safetensors"
    _, said = sluice("train", training, "-o", path, "--hidden=16", "--epochs=300", "--learning-rate=.02", "--dropout=0",
                     "--weight-decay=0")
    assert "task music" in said
    found = sluice_json("eval", path, training, "--training", training)
    assert found["rows"] == 30 * 19 and found["loss"] < 2.5 < found["baselines"]["marginals"]
    refused("predict", path, training, code=3, names=["classifies or tags", "music"])
    # It goes on with a piece, and has learned the scale.
    out, _ = sluice("complete", path, "60 ; 62", "-n", 6, "--temp=0")
    assert out == "60 ; 62 ; 64 ; 65 ; 67 ; 60 ; 62 ; 64\n"
    # Each line of standard input, as for texts; one that is no piece leaves the others to be answered.
    lines = b"60 ; 62\n65 67 ; x\n\n62 ; 64"
    for given in ([], ["-"]):
        out, err = sluice("complete", path, *given, "-n", 2, "--temp=0", input=lines, code=3)
        assert out == "60 ; 62 ; 64 ; 65\n62 ; 64 ; 65 ; 67\n"
        assert [line.split(": expected")[0] for line in err.splitlines()] == [
            "sluice: standard input, line 2, frame 2", "sluice: standard input, line 3, frame 1"]
    said = [json.loads(line) for line in sluice("complete", path, "--json", input=lines, code=3)[0].splitlines()]
    assert [one.get("piece", one.get("line")) for one in said] == ["60 ; 62", 2, 3, "62 ; 64"]
    out, _ = sluice("complete", path, "--top=1", input=b"60 ; 62\n")
    assert out.splitlines()[0] == "60 ; 62" and out.splitlines()[1].startswith("64\t")
    refused("complete", path, "--svg", tmp_path / "x.svg", input=b"60\n", code=2, names=["--svg"])
    drawn = [sluice("complete", path, "60 ; 62", "-n", 30, f"--seed={seed}")[0] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2] and drawn[0].count(";") == 31
    likeliest = sluice_json("complete", path, "60 ; 62", "--top=1")["notes"]
    assert [one["note"] for one in likeliest] == [64] and likeliest[0]["probability"] > 0.5
    refused("complete", path, "60 ; x", "-n", 1, code=3, names=["TEXT", "frame 2", "21 to 108"])
    refused("complete", path, "60", "--top-k=3", "-n", 1, code=2, names=["--top-k"])


def test_a_task_that_the_file_is_not_for_is_refused(tmp_path, text):
    series = ts(tmp_path / "a.ts", 1)
    refused("train", series, "-o", tmp_path / "m", "--task=tag", code=2, names=["--task tag", "classify"])
    refused("train", series, "-o", tmp_path / "m", "--task=regress", code=2, names=["--task", "classify"])
    refused("train", series, "-o", tmp_path / "m", "--label=middle", code=2, names=["--label", "middle"])
    one = tmp_path / "one.ts"
    one.write_text("@problemName t\n@univariate true\n@classLabel true up\n@data\n1,2:up\n")
    refused("train", one, "-o", tmp_path / "m", code=3, names=["one.ts", "2 classes or more"])
    assert not (tmp_path / "m").exists()


def test_a_baseline_stands_beside_every_model_which_says_where_it_loses(classifier, tmp_path):
    path, folder = classifier
    training, test = folder / "train.ts", ts(tmp_path / "test.ts", 2)
    # Without the training file there is what the model's own file knows.
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes(path.read_bytes())
    found = sluice_json("eval", alone, test)
    assert set(found["baselines"]) == {"majority"} and found["loses_to"] == [] and found["training"] is None
    beside = sluice_json("eval", alone, test, "--training", training)
    assert found["baselines"]["majority"] == beside["baselines"]["majority"]
    page, _ = sluice("eval", alone, test)
    assert "majority class" in page and "no nearest neighbour" in page and "--training" in page
    page, _ = sluice("eval", alone, test, "--training", training)
    assert "no nearest neighbour" not in page and "loses" not in page
    # Where it lies beside the model or beside what is evaluated, it is found, and its name alone does not do.
    assert sluice_json("eval", path, test) == beside | {"training": str(training)}
    assert f"baselines of what was trained on: {training}" in sluice("eval", path, test)[0]
    copy = ts(tmp_path / "train.ts", 7, 200)
    assert sluice_json("eval", alone, test) == found
    copy.write_bytes(training.read_bytes())
    assert sluice_json("eval", alone, test) == beside | {"training": str(copy)}
    poor = tmp_path / "poor.safetensors"
    _, said = sluice("train", training, "-o", poor, "--hidden=4", "--epochs=1", "--learning-rate=1e-9")
    assert f"eval {poor} FILE --training {training}" in said
    lost = sluice_json("eval", poor, test, "--training", training)
    better = {name for name, value in lost["baselines"].items() if value > lost["accuracy"]}
    assert "nearest_neighbour" in better == set(lost["loses_to"])
    page, _ = sluice("eval", poor, test, "--training", training)
    assert "the model loses to:" in page and "nearest neighbour" in page.splitlines()[-1]


def test_taggers_and_music_have_their_baselines_without_the_training_file(tmp_path):
    for folder in ("elsewhere", "here"):
        (tmp_path / folder).mkdir()
    training, test = sentences(tmp_path / "elsewhere/train.conllu", 1, 60), sentences(tmp_path / "here/test.conllu", 2)
    path = tmp_path / "here/tagger.safetensors"
    sluice("train", training, "-o", path, "--hidden=4", "--epochs=1", "-q")
    alone, beside = (sluice_json("eval", path, test, *more) for more in ([], ["--training", training]))
    assert set(alone["baselines"]) == {"majority"}
    assert set(beside["baselines"]) == {"majority", "most_frequent_tag"}
    tags = [line.split("\t")[3] for line in test.read_text().splitlines() if line]
    assert alone["baselines"]["majority"] == beside["baselines"]["majority"] == pytest.approx(
        tags.count("OTHER") / len(tags))
    pieces = tmp_path / "train.txt"
    pieces.write_text("60 64 ; 62 ; - ; 60 ; 65 67 ; 60\n" * 4)
    path = tmp_path / "music.safetensors"
    sluice("train", pieces, "-o", path, "--hidden=4", "--epochs=1", "--validation-split=0", "-q")
    alone, beside = (sluice_json("eval", path, pieces, *more) for more in ([], ["--training", pieces]))
    assert alone["baselines"] == beside["baselines"] and alone["loses_to"] == ["marginals"]
    assert "the model loses to: marginals" in sluice("eval", path, pieces)[0]


def test_a_model_of_a_folder_classifies_what_comes_alone(tmp_path):
    draw = random.Random(2)
    kinds, texts = tmp_path / "kinds", tmp_path / "texts"
    kinds.mkdir()
    for kind, end in (("first", "ov"), ("second", "ini")):
        names = ["".join(draw.choice("bdg") for _ in range(3)) + end for _ in range(60)]
        (kinds / f"{kind}.txt").write_text("\n".join(names) + "\n")
        (texts / kind).mkdir(parents=True)
        for k, name in enumerate(names[:30]):
            (texts / kind / f"{k}.txt").write_text(f"{name}\n{name}\n")
    path = tmp_path / "m.safetensors"
    sluice("train", kinds, "-o", path, "--task=classify", *QUICK[:1], "--epochs=10", "-q")
    lines = sluice("predict", path, "-", input=b"gdbov\nbbgini\n")[0].splitlines()
    assert [line.split("\t")[0] for line in lines[1:]] == ["first", "second"]
    # A file is one text where each file was one.
    path = tmp_path / "texts.safetensors"
    sluice("train", texts, "-o", path, *QUICK[:1], "--epochs=20", "-q")
    one = tmp_path / "one.txt"
    one.write_text("gdbini\nbbgini\n")
    lines = sluice("predict", path, one)[0].splitlines()
    assert [line.split("\t")[0] for line in lines[1:]] == ["second"]
    assert sluice("predict", path, "-", input=one.read_bytes())[0].splitlines() == lines
    refused("eval", path, one, code=3, names=["one.txt", "a folder"])


def test_another_form_is_named(classifier, tmp_path):
    path, folder = classifier
    conllu = sentences(tmp_path / "test.conllu", 2, 60)
    words = tmp_path / "words.tsv"
    words.write_text("".join(line and "\t".join(line.split("\t")[1:4:2]) + "\n" or "\n"
                             for line in conllu.read_text().split("\n")))
    tagger = tmp_path / "tagger.safetensors"
    _, said = sluice("train", words, "-o", tagger, "--hidden=4", "--epochs=1")
    assert "a word, a tab and a tag" in said
    for verb in ("predict", "eval"):
        refused(verb, tagger, conllu, code=3, names=["test.conllu", "a word and its tag a line", "CoNLL-U"])
    refused("train", words, "-o", tmp_path / "n", "--validation", conllu, "-q", code=3, names=["CoNLL-U"])
    refused("predict", path, conllu, code=3, names=["a .ts file, as in training", "CoNLL-U"])


def test_columns_of_words_and_tags_as_others_write_them(tmp_path):
    sentence = "EU NNP I-NP B-ORG\nrejects VBZ I-VP O\n\nPeter NNP I-NP B-PER\nBlackburn NNP I-NP I-PER\n\n"
    files = {"blanks": sentence * 10, "tabs": sentence.replace(" ", "\t") * 10, "one": sentence.split("\n\n")[0] + "\n"}
    for name, text in files.items():
        file, path = tmp_path / f"{name}.txt", tmp_path / name
        file.write_text(text)
        asked = [] if name == "tabs" else ["--task=tag"]  # which is seen without asking
        _, said = sluice("train", file, "-o", path, *asked, "--hidden=4", "--epochs=1")
        assert f"{2 if name == 'one' else 4} classes" in said
        out = sluice("predict", path, file)[0]
        assert [line.split()[:3] for line in out.splitlines()] == [line.split()[:3] for line in text.splitlines()]
        assert sluice_json("eval", path, file)["rows"] == len([line for line in text.splitlines() if line])
    _, said = sluice("train", tmp_path / "blanks.txt", "-o", tmp_path / "2", "--task=tag", "--column=2", "--hidden=4",
                     "--epochs=1")
    assert "2 classes" in said
    refused("train", tmp_path / "blanks.txt", "-o", tmp_path / "9", "--task=tag", "--column=9", "-q", code=3,
            names=["blanks.txt, line 1", "9 columns", "4"])
    running = tmp_path / "running.txt"
    running.write_text("Some words of a text.\nAnd some more of them, which are no sentences with tags.\n")
    refused("train", running, "-o", tmp_path / "r", "--task=tag", "-q", code=3, names=["line 2", "columns"])


def test_sequences_under_a_header_and_numbers_that_are_missing(tmp_path):
    file = tmp_path / "header.csv"
    file.write_text("first;second;class\n" + "1.5;2;x\n0.5;1e-3;y\n" * 20)
    path = tmp_path / "m.safetensors"
    _, said = sluice("train", file, "-o", path, "--task=classify", "--hidden=4", "--epochs=1")
    assert "40 sequences, 80 steps" in said and "2 classes" in said
    assert sluice_json("eval", path, file)["rows"] == 40
    assert len(sluice("predict", path, "-", input=b"first;second\n1;2\n")[0].splitlines()) == 2
    # Where a comma does not separate, it stands for the point: the same bits.
    same = []
    for name, text in (("points", "1.5;2.25;x\n0.5;1e-3;y\n"), ("commas", "1,5;2,25;x\n0,5;1e-3;y\n")):
        file.write_text(text * 20)
        sluice("train", file, "-o", tmp_path / name, "--hidden=4", "--epochs=1", "-q")
        same.append(sluice("predict", tmp_path / name, file, "--labelled")[0])
    assert same[0] == same[1] and len(same[0].splitlines()) == 41
    file.write_text("1,5;2;x\n0.5;1;y\n")
    refused("train", file, "-o", tmp_path / "n", "-q", code=3, names=["line 2, column 1", "of every number", "0.5"])
    gaps = tmp_path / "gaps.ts"
    gaps.write_text("@problemName x\n@univariate true\n@classLabel true a b\n@data\n1,?,3:a\n2,3,4:b\n")
    refused("train", gaps, "-o", tmp_path / "n", "-q", code=3, names=["line 5, dimension 1, step 2", "missing", "?"])
    refused("train", gaps, "-o", tmp_path / "n", "-q", "--missing=mask", code=2, names=["--task forecast", "classify"])


def numbers_of(table):
    """A table of gates or words: the first cell of each line, and its numbers."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return [row[0] for row in rows], [[float(x) for x in row[1:]] for row in rows]


def test_gates_of_a_text_that_is_classified(tmp_path):
    names = names_that_end(tmp_path / "names.tsv", "ov", "ini")
    path = tmp_path / "both.safetensors"
    sluice("train", names, "-o", path, "--hidden=12", "--epochs=8", "-q")
    said = sluice_json("gates", path, "gdbov")
    assert said["tokens"] == list("gdbov") and said["begins_after"] is None
    assert [layer["layer"] for layer in said["layers"]] == ["1 forward", "1 backward"]
    # What a layer that reads backward holds at a letter comes of that letter and those behind it; forward, before it.
    other = sluice_json("gates", path, "gdbini")
    forward, backward = (
        [same["layers"][k]["hidden"] for same in (said, other)] for k in (0, 1))
    assert forward[0][:3] == forward[1][:3] and forward[0][3] != forward[1][3]
    assert all(a != b for a, b in zip(*backward))
    tail = sluice_json("gates", path, "dddov")["layers"][1]["hidden"]
    assert tail[3:] == backward[0][3:] and tail[2] != backward[0][2]
    words, means = numbers_of(sluice("gates", path, "gdbov")[0])
    assert words == list("gdbov") and all(len(row) == 4 for row in means)
    assert means[0][0] == pytest.approx(sum(said["layers"][0]["gates"]["retain"][0]) / 12, abs=1e-4)
    assert "backward" in sluice("gates", path, "gdbov", "--units")[0]
    refused("gates", path, "", code=2, names=["TEXT"])
    # Layers that differ have no trace of one size.
    sluice("train", names, "-o", tmp_path / "two", "--hidden=8,4", "--epochs=1", "-q")
    refused("gates", tmp_path / "two", "gdbov", code=2, names=["one cell and size", "8 (both) and 4 (both)"])


def test_which_letters_a_class_depends_on(tmp_path):
    names = names_that_end(tmp_path / "names.tsv", "o", "i")
    path = tmp_path / "m.safetensors"
    sluice("train", names, "-o", path, "--hidden=12", "--epochs=12", "-q")
    said = sluice_json("explain", path, "gdbo")
    predicted = json.loads(sluice("predict", path, "-", "--json", input=b"gdbo\n")[0])
    assert said["answer"] == predicted["class"] == "first"
    assert said["probabilities"] == pytest.approx(predicted["probabilities"], abs=1e-6)
    nats = [one["nats"] for one in said["without"]]
    assert len(nats) == 4 and max(nats) == nats[3] > 4 * max(map(abs, nats[:3]))
    without = json.loads(sluice("predict", path, "-", "--json", input=b"gbo\n")[0])["probabilities"]["first"]
    assert nats[1] == pytest.approx(math.log(said["probability"] / without), abs=1e-4)
    other = sluice_json("explain", path, "gdbo", "--answer=second")
    assert other["probability"] == pytest.approx(said["probabilities"]["second"]) and other["without"][3]["nats"] < 0
    assert len(sluice_json("explain", path, "o")["without"]) == 1
    page, _ = sluice("explain", path, "gdbo")
    assert page.startswith("class: first with ") and page.splitlines()[6].split()[0] == "o"
    refused("explain", path, "gdbo", "--answer=third", code=2, names=["--answer", "first, second", "third"])
    refused("explain", path, "gdbo", "--at=@1", code=2, names=["--at", "classify"])
    refused("explain", path, "gdbo", "--clamp=retain=1", code=2, names=["--clamp", "a model of language"])
    refused("explain", path, "gdbo", "--html", tmp_path / "x.html", code=2, names=["--html"])
    refused("explain", path, "gdbo", "--top=2", code=2, names=["--top"])


def test_which_words_a_tag_depends_on(tmp_path):
    training = sentences(tmp_path / "train.conllu", 1, 300)
    path = tmp_path / "m.safetensors"
    sluice("train", training, "-o", path, "--hidden=16", "--epochs=20", "--dropout=0", "--input-dropout=0", "-q")
    # The tag says whether the next word is the same.
    said = sluice_json("explain", path, "a b b c", "--at=@1")
    assert said["at"] == 1 and said["answer"] == "SAME" and len(said["without"]) == 4
    nats = [one["nats"] for one in said["without"]]
    assert max(nats[0], nats[3]) < nats[2] and said["without"][2]["class"] == "OTHER"
    assert sluice_json("explain", path, "a b c", "--at=b")["answer"] == "OTHER"
    assert sluice_json("explain", path, "a b b c")["at"] == 3
    assert sluice("explain", path, "a b b c", "--at=@2")[0].startswith('tag of "b": OTHER with ')
    refused("explain", path, "a b b c", "--at=b", code=2, names=["--at", "2 times"])
    refused("explain", path, "a b", "--at=@2", code=2, names=["--at", "0 to 1"])
    # Gates of a model that spells its words.
    said = sluice_json("gates", path, "a zebra c")
    assert said["tokens"] == ["a", "zebra", "c"] and said["unknown"] == ["zebra"]
    assert said["layers"][0]["hidden"][1] != sluice_json("gates", path, "a yak c")["layers"][0]["hidden"][1]
