"""The programs of examples/ do what their first lines say."""

import os
import pty
import select
import subprocess

import pytest

from conftest import ROOT

EXAMPLES = ROOT / "build/examples"


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
                    "--steps=16", "--lr=0.01", "--threads=1"], check=True, capture_output=True)
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
