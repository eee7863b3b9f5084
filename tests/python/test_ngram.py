"""The n-gram beside a model: the command's number is that of the formula, on the text that validates; what is said of a
model that is better or worse; and what eval knows of it."""

import collections
import json
import math
import random
import resource
import string

import pytest

from conftest import TINY, but, refused, sluice, sluice_json, small_text, tensors

CHARACTERS = but(TINY, "--level=char")


def kneser_ney(training, held_out, vocabulary, order):
    """The nats of all but the first of `held_out`: interpolated modified Kneser-Ney (Chen & Goodman 1999), slowly."""
    counts = [collections.Counter() for _ in range(order + 1)]
    left = [collections.defaultdict(set) for _ in range(order + 1)]
    for i in range(len(training)):
        for k in range(1, order + 1):
            gram = tuple(training[i:i + k])
            if len(gram) < k:
                break
            counts[k][gram] += 1
            if i > 0:
                left[k][gram].add(training[i - 1])
    for k in range(1, order):
        counts[k] = collections.Counter({gram: len(tokens) for gram, tokens in left[k].items()})
    discounts = [None]
    for k in range(1, order + 1):
        n = collections.Counter(counts[k].values())
        if n[1] and n[2] and n[3]:
            y = n[1] / (n[1] + 2 * n[2])
            found = [0] + [i - (i + 1) * y * n[i + 1] / n[i] for i in (1, 2, 3)]
        else:
            found = [0, -1, -1, -1]
        discounts.append(found if all(d > 0 for d in found[1:]) else [0, 0.5, 1, 1.5])
    following = [collections.defaultdict(list) for _ in range(order + 1)]
    for k in range(1, order + 1):
        for gram, c in counts[k].items():
            following[k][gram[:-1]].append(c)

    def probability(before, token):
        p = 1 / vocabulary
        for k in range(1, order + 1):
            if k - 1 > len(before):
                break
            context = tuple(before[len(before) - (k - 1):])
            after = following[k].get(context)
            if not after:
                continue
            c = counts[k][context + (token,)]
            rest = sum(discounts[k][min(other, 3)] for other in after)
            p = (c - discounts[k][min(c, 3)] + rest * p) / sum(after)
        return p

    return [-math.log(probability(held_out[max(0, i - order):i], held_out[i])) for i in range(1, len(held_out))]


def mean(numbers):
    return sum(numbers) / len(numbers)


def texts(folder):
    """What to train and to validate on: the second has a letter that the first has not."""
    text = small_text()
    training, validation = folder / "training.txt", folder / "validation.txt"
    training.write_text(text[:7000])
    validation.write_text("Zoë" + text[7000:8500])
    return training, validation


def test_the_number_is_that_of_the_formula(tmp_path):
    training, validation = texts(tmp_path)
    model = tmp_path / "m.safetensors"
    ngram = sluice_json("train", training, "--validation", validation, "-o", model, *CHARACTERS)["ngram"]
    known = set(training.read_text())
    held_out = [c if c in known else None for c in validation.read_text()]
    expected = mean(kneser_ney(list(training.read_text()), held_out, len(known) + 1, 6))
    assert abs(ngram["validation_loss"] - expected) < 1e-5
    assert (ngram["order"], ngram["tokens"]) == (6, 7000)
    # eval of the text that validated finds it in the notes; of another text it has to be counted.
    evaluated = sluice_json("eval", model, validation)["ngram"]
    assert evaluated == {"order": 6, "tokens": 7000, "nats_per_token": ngram["validation_loss"]}
    (tmp_path / "elsewhere").mkdir()
    other = tmp_path / "elsewhere/other.txt"
    other.write_text(small_text()[8500:9500])
    moved = model.rename(tmp_path / "elsewhere/m.safetensors")
    assert sluice_json("eval", moved, other)["ngram"] is None
    # A text of the same name that is another one is not what was trained on.
    (tmp_path / "elsewhere/training.txt").write_text(small_text()[:6999])
    assert sluice_json("eval", moved, other)["ngram"] is None
    (tmp_path / "elsewhere/training.txt").write_bytes(training.read_bytes())
    beside = sluice_json("eval", moved, other)
    assert beside["training"] == str(tmp_path / "elsewhere/training.txt")
    model = moved
    counted = sluice_json("eval", model, other, "--training", training)["ngram"]
    assert beside["ngram"] == counted
    expected = mean(kneser_ney(list(training.read_text()), list(other.read_text()), len(known) + 1, 6))
    assert abs(counted["nats_per_token"] - expected) < 1e-5
    out, _ = sluice("eval", model, other, "--training", training)
    row = f"n-gram            {counted['nats_per_token']:.4f}  nats per token of one of order 6 (Kneser-Ney) of 7,000 tokens"
    assert f"{row} of {training}" in out


def test_what_is_kept_to_validate_on_is_not_counted(tmp_path):
    path, model = tmp_path / "text.txt", tmp_path / "m.safetensors"
    path.write_text(small_text())
    text = small_text()
    split = len(text) - int(len(text) * 0.2)
    ngram = sluice_json("train", path, "-o", model, *CHARACTERS, "--validation-split=0.2")["ngram"]
    expected = mean(kneser_ney(list(text[:split]), list(text[split:]), len(set(text)) + 1, 6))
    assert abs(ngram["validation_loss"] - expected) < 1e-5 and ngram["tokens"] == split
    # Nor by eval, which reads the whole file.
    held_out = tmp_path / "held_out.txt"
    held_out.write_text(text[split:])
    assert sluice_json("eval", model, held_out)["ngram"]["nats_per_token"] == ngram["validation_loss"]
    counted = sluice_json("eval", model, held_out, "--training", path)["ngram"]["nats_per_token"]
    assert abs(counted - ngram["validation_loss"]) < 1e-6


def test_words_have_order_five_and_count_unknown_ones(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(small_text())
    ngram = sluice_json("train", path, "-o", tmp_path / "m.safetensors", *TINY, "--min-count=40")["ngram"]
    assert ngram["order"] == 5 and 0 < ngram["validation_loss"] < math.log(50)


def test_a_model_that_is_worse_is_told_so(tmp_path):
    path, model = tmp_path / "text.txt", tmp_path / "m.safetensors"
    path.write_text(small_text())
    out, _ = sluice("train", path, "-o", model, *CHARACTERS)
    assert "an n-gram of order 6 (Kneser-Ney) of the same text: validation " in out
    assert " better than the model: train longer: --epochs 4\n" in out
    result = sluice_json("train", path, "-o", model, *CHARACTERS, "--force")
    assert result["ngram"]["better_than_model"] is True
    assert result["ngram"]["validation_loss"] < result["validation_loss"]
    assert f"{result['ngram']['validation_loss']:.4f} nats per token" in out


def test_a_model_that_is_better(tmp_path):
    # Which of two words follows depends on a letter that stands more than five before.
    state, lines = 1, []
    for _ in range(1500):
        state = (state * 1103515245 + 12345) % 2**31
        lines.append("a.......a\n" if state >> 16 & 1 else "b.......b\n")
    path = tmp_path / "text.txt"
    path.write_text("".join(lines))
    arguments = "train", path, "-o", tmp_path / "m.safetensors", "--force", *but(CHARACTERS, "--epochs=30", "--steps=20",
                                                                           "--hidden=24", "--learning-rate=0.02")
    out, _ = sluice(*arguments)
    assert out.endswith(" worse than the model\n")
    result = sluice_json(*arguments)
    assert result["ngram"]["better_than_model"] is False
    assert result["validation_loss"] < result["ngram"]["validation_loss"]


def test_a_text_that_is_too_short_for_the_network(tmp_path):
    # 60 words of six letters, in any order: an n-gram knows the words soon, a network of this size also their order.
    state, numbers = 1, []
    for _ in range(660):
        state = (state * 1103515245 + 12345) % 2**31
        numbers.append(state >> 16)
    words = ["".join(chr(97 + n % 12) for n in numbers[6 * i:6 * i + 6]) for i in range(60)]
    path = tmp_path / "text.txt"
    path.write_text(" ".join(words[n % 60] for n in numbers[360:]))
    options = but(CHARACTERS, "--epochs=60", "--hidden=64", "--learning-rate=0.03", "--dropout=0", "--weight-dropout=0",
                  "--ema-decay=0", "--validation-split=0.3", "--validation-streams=0", "--weight-decay=0.1",
                  "--schedule=cosine", "--warmup=0")
    out, err = sluice("train", path, "-o", tmp_path / "m.safetensors", *options)
    assert "1,470 tokens are too few for " in out and "a smaller --hidden" in out
    assert "note: " not in err  # nothing is said twice
    _, err = sluice("train", path, "-o", tmp_path / "m.safetensors", *options, "--no-ngram", "--force")
    assert "note: the best was epoch " in err and "--patience" in err


def test_remarks_on_the_course(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(small_text())
    arguments = "train", path, "-o", tmp_path / "m.safetensors", "--force", "--no-ngram"
    remarks = sluice_json(*arguments, *but(CHARACTERS, "--epochs=1", "--batch=32", "--steps=32"))["remarks"]
    assert len(remarks) == 1 and "updates are few: a smaller --batch, or --epochs 2" in remarks[0]
    remarks = sluice_json(*arguments, *but(CHARACTERS, "--epochs=10", "--schedule=constant"))["remarks"]
    assert len(remarks) == 1 and remarks[0].startswith("the loss was still falling, by 0.")
    assert remarks[0].endswith(" over the last tenth: --epochs 20")
    remarks = sluice_json(*arguments, *but(TINY, "--min-count=60", "--epochs=3"))["remarks"]
    assert "of the validation tokens are <unk>: --level char, or a lower --min-count" in remarks[0]
    assert sluice_json(*arguments, *but(TINY, "--min-count=1", "--epochs=20", "--dropout=0.1"))["remarks"] == []


def test_time_is_kept(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(small_text() * 20)
    out, err = sluice("train", path, "-o", tmp_path / "m.safetensors", *but(CHARACTERS, "--max-seconds=2"))
    assert "no n-gram to compare with: it may take" in err and "n-gram" not in out


def test_too_little_memory_for_the_counts(tmp_path):
    """Training goes on without: letters in any order have a million n-grams."""
    path = tmp_path / "text.txt"
    path.write_text("".join(random.Random(1).choices(string.ascii_letters, k=700_000)))
    most = 64 << 20
    out, err = sluice("train", path, "-o", tmp_path / "m.safetensors",
                      *but(CHARACTERS, "--epochs=1", "--hidden=2", "--batch=64"),
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)))
    assert "no n-gram to compare with: n-gram: expected enough memory, found too little" in err
    assert "n-gram" not in out and (tmp_path / "m.safetensors").exists()


def test_part_of_the_validation_text(tmp_path):
    """With little time, validation reads only the beginnings of its streams, and so does the n-gram's mean."""
    training, validation = texts(tmp_path)
    validation.write_text(small_text()[7000:] + "".join(chr(97 + i * i % 26) for i in range(60000)))
    result = sluice_json("train", training, "--validation", validation, "-o", tmp_path / "m.safetensors",
                         *but(CHARACTERS, "--max-seconds=2", "--hidden=256", "--batch=2", "--steps=8", "--epochs=1000",
                              "--validation-streams=0"))
    assert 0 < result["validation_tokens"] < len(validation.read_text()) - 1
    known = set(training.read_text())
    held_out = [c if c in known else None for c in validation.read_text()]
    nats = kneser_ney(list(training.read_text()), held_out, len(known) + 1, 6)
    second, each = (len(nats) + 1) // 2, result["validation_tokens"] // 2
    expected = mean(nats[:each] + nats[second:second + each])
    assert abs(result["ngram"]["validation_loss"] - expected) < 1e-5
    assert abs(expected - mean(nats)) > 1e-3


def test_it_can_be_left_out_and_changes_no_weight(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(small_text())
    models = [tmp_path / "with.safetensors", tmp_path / "without.safetensors"]
    sluice("train", path, "-o", models[0], *CHARACTERS)
    out, err = sluice("train", path, "-o", models[1], *CHARACTERS, "--no-ngram")
    assert "n-gram" not in out + err
    assert tensors(models[0]) == tensors(models[1])
    assert "ngram" not in sluice("info", models[1])[0]
    assert sluice_json("train", path, "-o", models[1], "--force", *CHARACTERS, "--no-ngram")["ngram"] is None


@pytest.mark.parametrize("note", ['{"ngram": 5}', '{"ngram": {"order": "x", "validation_text": 1}}', "[", "[[[[[[[]]]]]]]"])
def test_notes_that_are_none(tmp_path, note):
    path, model = tmp_path / "text.txt", tmp_path / "m.safetensors"
    path.write_text(small_text())
    sluice("train", path, "-o", model, *CHARACTERS)
    data = model.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    header["__metadata__"]["sluice.note.trained"] = note
    header["__metadata__"]["sluice.checksum"] = "none"
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    model.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size:])
    assert sluice_json("eval", model, path)["ngram"] is None


def test_eval_of_lines_takes_no_training_text(tmp_path):
    path, model = tmp_path / "text.txt", tmp_path / "m.safetensors"
    path.write_text(small_text())
    sluice("train", path, "-o", model, *CHARACTERS)
    refused("eval", model, path, "--lines", "--training", path, code=2, names=["--training", "--lines"])
