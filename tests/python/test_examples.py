"""The programs of examples/ do what their first lines say."""

import array
import math
import os
import pty
import random
import select
import subprocess

import pytest

from conftest import ROOT

EXAMPLES = ROOT / "build/examples"
SLUICE = ROOT / "build/sluice"


def run(name, *arguments, code=0, input=b""):
    """(stdout as bytes, stderr as text)"""
    result = subprocess.run([EXAMPLES / name, *map(str, arguments)], input=input, capture_output=True, timeout=60)
    assert result.returncode == code, result.stderr.decode()
    return result.stdout, result.stderr.decode()


def refused(name, *arguments, code, words, input=b""):
    out, err = run(name, *arguments, code=code, input=input)
    assert out == b"" and err.startswith(f"{name}: ") and err.count("\n") == 1 and words in err, err


@pytest.fixture(scope="module")
def words(tmp_path_factory, text):
    """A model that has learned the sentences of small_text()."""
    path = tmp_path_factory.mktemp("words") / "words.safetensors"
    subprocess.run([ROOT / "build/sluice", "train", text, "-o", path, "--hidden=32", "--epochs=30", "--batch=8",
                    "--steps=16", "--lr=0.01", "--threads=1", "--optimizer=adam", "--schedule=cosine", "--warmup=0",
                    "--weight-decay=0", "--ema-decay=0", "--dropout=0.3", "--weight-dropout=0"],
                   check=True, capture_output=True)
    return path


def shown(out):
    """What next_word says of each line: the text, and the words it suggests."""
    return [(text, words.split()) for text, _, words in (line.partition(" |") for line in out.decode().splitlines())]


def test_next_word(words):
    lines = shown(run("next_word", words, input=b"Ada likes the re\nAda likes the \nBela sees two \n")[0])
    assert lines[0] == ("Ada likes the re", ["red"])
    assert lines[1][1][:2] in (["red", "last"], ["last", "red"])
    assert lines[2][1][0] == "old"


def test_next_word_takes_a_suggestion_and_goes_back(words):
    plain = shown(run("next_word", words, input=b"Ada likes two old \n")[0])
    accepted = shown(run("next_word", words, input=b"Ada likes tw\to\t\n")[0])
    changed = shown(run("next_word", words, input=b"Ada likes the red \b\b\b\b\b\b\b\btwo ol\xc3\xa9\bd \n")[0])
    back_to_the_start = shown(run("next_word", words, input=b"Bela \b\b\b\b\b\bAda likes two old \n")[0])
    assert plain == accepted == changed == back_to_the_start
    assert plain[0][1][0] == "boats"


def test_next_word_in_a_terminal(words):
    leader, follower = pty.openpty()
    process = subprocess.Popen([EXAMPLES / "next_word", words], stdin=follower, stdout=follower, stderr=follower)
    seen = b""

    def wait_for(piece):
        nonlocal seen
        while piece not in seen:
            assert select.select([leader], [], [], 20)[0], seen
            seen += os.read(leader, 4096)

    # Every key at once, no Enter; the suggestions are dim and stand behind the cursor.
    os.write(leader, b"Ada likes tw")
    wait_for(b"Ada likes tw\x1b[s\x1b[2m   two\x1b[0m\x1b[u")
    os.write(leader, b"\t")
    wait_for(b"Ada likes two \x1b[s\x1b[2m   old")
    os.write(leader, b"\x04")
    assert process.wait(20) == 0
    os.close(leader)
    os.close(follower)


def test_next_word_refuses(words, tmp_path):
    refused("next_word", code=2, words="expected: next_word MODEL")
    refused("next_word", tmp_path / "none", code=3, words="none of that name")


def lines_of(rounds, users):
    """Interleaved lines: in every round each user says something of their own."""
    saying = ["Ada likes the", "Bela sees two", "Chen paints a", "Dora sells her neighbour's", "red", "old", "quiet",
              "garden"]
    return [f"user{user} {saying[(user * 3 + number * 5 + user // 8) % 8]}".encode()
            for number in rounds for user in range(users)]


def test_users(words, tmp_path):
    """A hundred users, served in two runs of the program, get what they get in one."""
    once, twice = tmp_path / "once", tmp_path / "twice"
    once.mkdir()
    twice.mkdir()
    first, second = lines_of(range(3), 100), lines_of(range(3, 6), 100)
    whole = run("users", words, once, input=b"\n".join(first + second))[0].splitlines()
    parts = [run("users", words, twice, input=b"\n".join(lines))[0].splitlines() for lines in (first, second)]
    assert whole == parts[0] + parts[1] and len(whole) == 600
    assert len(list(twice.iterdir())) == 100
    assert {path.name: path.read_bytes() for path in once.iterdir()} == {
        path.name: path.read_bytes() for path in twice.iterdir()}
    # The states matter: without them the second half is another one.
    (forgetful := tmp_path / "forgetful").mkdir()
    assert run("users", words, forgetful, input=b"\n".join(second))[0].splitlines() != parts[1]
    # And what it answers is what the model learned.
    assert run("users", words, forgetful, input=b"new Bela sees two\nnew old\n")[0] == b"new old\nnew boats\n"


def test_users_refuses(words, models, tmp_path):
    refused("users", code=2, words="expected: users MODEL")
    refused("users", words, tmp_path / "none", code=2, words="expected a folder")
    refused("users", words, tmp_path, code=2, words="expected lines of a user", input=b"../up text\n")
    run("users", words, tmp_path, input=b"ada the\n")
    state = tmp_path / "ada.state"
    refused("users", models["lstm"], tmp_path, code=3, words="ada.state", input=b"ada the\n")
    state.write_bytes(state.read_bytes()[:-1])
    refused("users", words, tmp_path, code=3, words="ada.state", input=b"ada the\n")


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    path = tmp_path_factory.mktemp("gate") / "gate.safetensors"
    run("gate", "--train", path)
    return path


def samples(pieces, seed=7):
    """Tones ("frequency in hertz") and noise (0) of 8000 samples each, loudness a half, as 32-bit floats."""
    chance, all_samples = random.Random(seed), array.array("f")
    for hertz in pieces:
        all_samples.extend(0.5 * math.sin(2 * math.pi * hertz * t / 16000) if hertz else chance.uniform(-0.5, 0.5)
                           for t in range(8000))
    return all_samples


def loudness(part):
    return math.sqrt(sum(x * x for x in part) / len(part))


def test_gate(gate):
    sound = samples([0, 440, 0, 1000, 250, 0])
    out = array.array("f")
    out.frombytes(run("gate", gate, input=sound.tobytes())[0])
    assert len(out) == len(sound)
    for piece, hertz in enumerate([0, 440, 0, 1000, 250, 0]):
        # A twentieth of a second to make up its mind.
        inside = slice(8000 * piece + 800, 8000 * (piece + 1))
        through = loudness(out[inside]) / loudness(sound[inside])
        assert through > 0.9 if hertz else through < 0.2, (piece, hertz, through)


def test_gate_refuses(gate, words):
    refused("gate", code=2, words="expected: gate --train")
    refused("gate", gate, code=3, words="whole samples", input=b"abc")
    refused("gate", words, code=2, words="1 input and 1 output")


def report(out):
    return {name: [float(value) for value in values.split()]
            for name, _, values in (line.partition(" ") for line in out.decode().splitlines())}


def test_forecast(tmp_path):
    """A wave with noise on it, whose change the past predicts."""
    chance = random.Random(3)
    rows = [f'"day {t}",{math.sin(t / 4) * 20 + 50 + chance.gauss(0, 1):.4f}' for t in range(1500)]
    (tmp_path / "wave.csv").write_text('"Day","Height"\n' + "\n".join(rows) + "\n")
    said = report(run("forecast", tmp_path / "wave.csv", "Height", 5)[0])
    assert said["forecasts"] == [1500 - 1200 - 4] and said["ridge"][0] < said["last_value"][0]
    assert said["model"][0] < 0.05 * said["last_value"][0]
    truth = [math.sin(t / 4) * 20 + 50 for t in range(1500, 1505)]
    assert said["next"] == pytest.approx(truth, abs=5)


def test_forecast_keeps_every_digit(tmp_path):
    """Numbers of ten digits that change little: six digits would say nothing."""
    rows = [str(1000000123 + round(40 * math.sin(t / 4))) for t in range(600)]
    (tmp_path / "large.csv").write_text("x\n" + "\n".join(rows) + "\n")
    said = report(run("forecast", tmp_path / "large.csv", "x")[0])
    assert abs(said["next"][0] - 1000000123) < 100


def test_forecast_does_not_claim_what_is_not_there(tmp_path):
    """Steps of pure chance: nobody does better than the last value, and the program does not say so."""
    chance, value, rows = random.Random(5), 0.0, []
    for _ in range(1200):
        value += chance.gauss(0, 1)
        rows.append(f"{value:.5f}")
    (tmp_path / "walk.csv").write_text("x\n" + "\n".join(rows) + "\n")
    said = report(run("forecast", tmp_path / "walk.csv", "x")[0])
    assert said["model"][0] > 0.95 * said["last_value"][0]


ETT = ROOT.parent / "shared/data/timeseries/forecast/ETTh1.csv"


@pytest.mark.skipif(not ETT.exists(), reason="ETTh1.csv is not here")
def test_forecast_of_the_oil_temperature(tmp_path):
    """ETTh1, the next 24 hours: of the first 14400 rows the last fifth is the usual four test months and one more."""
    (tmp_path / "ett.csv").write_text("".join(ETT.read_text().splitlines(keepends=True)[:14401]))
    said = report(run("forecast", tmp_path / "ett.csv", "OT", 24)[0])
    assert said["model"][0] < 0.9 * said["last_value"][0], said


def test_forecast_refuses(tmp_path):
    refused("forecast", code=2, words="expected: forecast FILE.csv COLUMN")
    refused("forecast", tmp_path / "none.csv", "x", code=3, words="none.csv")
    (tmp_path / "short.csv").write_text("x,y\n1,2\n")
    refused("forecast", tmp_path / "short.csv", "z", code=3, words='expected a column "z", found the columns x, y')
    refused("forecast", tmp_path / "short.csv", "x", code=3, words="9 rows or more to train on")
    refused("forecast", tmp_path / "short.csv", "x", "0", code=2, words="AHEAD: expected a whole number")
    (tmp_path / "words.csv").write_text("x\n1\ntwo\n")
    refused("forecast", tmp_path / "words.csv", "x", code=3, words='line 3, column "x": expected a number, found "two"')


def waves(rows=400, offset=0.0, sign=""):
    """A wave of seven rows."""
    return [f"{sign}{offset + 20 + 3 * math.sin(t * 2 * math.pi / 7):.3f}" for t in range(rows)]


@pytest.mark.parametrize("content", [
    "\ufeffheight,load\n" + "".join(f"{x},1\n" for x in waves()),  # a byte order mark
    "height\n" + "\n".join(waves(sign="+")),
    "height\r\n" + "\r\n".join(waves()) + "\r\n\r\n \r\n",  # empty lines at the end
    "load, height\n" + "".join(f"1, {x} \n" for x in waves()),  # blanks around
    "load;height\n" + "".join(f"1;{x.replace('.', ',')}\n" for x in waves()),  # where commas are decimal
    "load\theight\n" + "".join(f"1\t{x}\n" for x in waves()),
], ids=["byte order mark", "plus", "empty at the end", "blanks", "semicolons", "tabs"])
def test_forecast_reads_what_spreadsheets_write(tmp_path, content):
    plain, other = tmp_path / "plain.csv", tmp_path / "other.csv"
    plain.write_text("height\n" + "\n".join(waves()) + "\n")
    other.write_text(content, newline="")
    assert run("forecast", other, "height") == run("forecast", plain, "height")


def test_forecast_of_great_numbers_has_enough_digits(tmp_path):
    for offset in 0, 1e9:
        (tmp_path / "far.csv").write_text("x\n" + "\n".join(waves(offset=offset)) + "\n")
        (said,) = report(run("forecast", tmp_path / "far.csv", "x")[0])["next"]
        assert said - offset == pytest.approx(20 + 3 * math.sin(400 * 2 * math.pi / 7), abs=1)


@pytest.mark.parametrize("line, words", [
    ("", "line 2: expected a row, found an empty line"),
    (",7", 'line 2, column "x": expected a number (or missing=mask or fill), found none'),
    ("+-3,1", 'line 2, column "x": expected a number, found "+-3"'),
    ("++3,1", 'line 2, column "x": expected a number, found "++3"'),
    ("+,1", 'line 2, column "x": expected a number, found "+"'),
])
def test_forecast_refuses_what_is_no_number(tmp_path, line, words):
    (tmp_path / "gap.csv").write_text(f"x,y\n{line}\n" + "1,2\n" * 200)
    refused("forecast", tmp_path / "gap.csv", "x", code=3, words=words)


def test_live_forecasts_behind_every_row(tmp_path):
    rows = ["t,x", *(f"{t},{10 + 5 * math.sin(t / 2):.3f}" for t in range(120))]
    file, path = tmp_path / "x.csv", tmp_path / "m.safetensors"
    file.write_text("\n".join(rows) + "\n")
    subprocess.run([SLUICE, "train", file, "-o", path, "--task=forecast", "--time=t", "--target=x", "--horizon=3",
                    "--lookback=16", "--hidden=8", "--epochs=2", "--threads=1", "-q"], check=True, capture_output=True)
    out = run("live", path, input=file.read_bytes())[0].decode().splitlines()
    assert len(out) == 120 - 15 and out[0].startswith(f"{rows[16]} ->")
    given = subprocess.run([SLUICE, "predict", path, file], check=True, capture_output=True).stdout.decode()
    middle = [float(line.split("\t")[3]) for line in given.splitlines()[1:]]
    assert [float(x) for x in out[-1].split(" -> ")[1].split()] == pytest.approx(middle, rel=1e-4)
    refused("live", path, code=3, words="a header")


def test_live_classifies_a_series_as_it_comes(tmp_path):
    draw = random.Random(1)
    lines = []
    for _ in range(80):
        x = [draw.uniform(-1, 1) for _ in range(8)]
        lines.append(",".join(f"{v:.3f}" for v in x) + (",up" if x[0] > 0 else ",down"))
    file, path = tmp_path / "rows.csv", tmp_path / "m.safetensors"
    file.write_text("\n".join(lines) + "\n")
    subprocess.run([SLUICE, "train", file, "-o", path, "--direction=forward", "--at=last", "--hidden=8", "--epochs=30",
                    "--threads=1", "-q"], check=True, capture_output=True)
    first = lines[0].split(",")[:8]
    out = run("live", path, input=("\n".join(first) + "\n").encode())[0].decode().splitlines()
    assert len(out) == 8
    bare = tmp_path / "bare.csv"
    bare.write_text(",".join(first) + "\n")
    given = subprocess.run([SLUICE, "predict", path, bare], check=True, capture_output=True).stdout.decode()
    last = [float(p) for p in given.splitlines()[1].split("\t")[1:]]
    assert [float(p) for p in out[-1].split(" -> ")[1].split()] == pytest.approx(last, abs=1e-4)
    refused("live", path, code=3, words="line 1: expected 1 numbers", input=b"high\n")
