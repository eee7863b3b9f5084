"""The command line itself: mistyped names, help, completion in shells, the manual page."""

import os
import re
import shutil
import subprocess

import pytest

from conftest import CELLS, TINY, refused, sluice
from test_command import VERBS

ALL_VERBS = [*VERBS, "bench", "completion", "help"]


@pytest.mark.parametrize("typed, meant", [
    (["trian"], "'train'"), (["compelte", "m"], "'complete'"), (["exprot"], "'export'"), (["complet"], "'complete'"),
    (["train", "x", "-o", "y", "--epoch=3"], "'--epochs'"), (["train", "x", "-o", "y", "--learnin-rate=1"], "'--learning-rate'"),
    (["complete", "m", "--temperature", "1"], "'--temp'"), (["train", "--hiden", "3"], "'--hidden'"),
    (["train", "x", "-o", "y", "--batch-size", "3"], "'--batch'"), (["--versoin"], "'--version'"),
    (["help", "trian"], "'train'"),
])
def test_a_mistyped_name_gets_the_one_that_was_meant(typed, meant):
    refused(*typed, code=2, names=["unknown", f"; did you mean {meant}?"])


@pytest.mark.parametrize("typed", [["juggle"], ["x"], ["train", "x", "-o", "y", "--quixotic"], ["info", "m", "--z"]])
def test_a_name_that_is_near_nothing_gets_none(typed):
    _, err = sluice(*typed, code=2)
    assert "unknown" in err and "did you mean" not in err


@pytest.mark.parametrize("verb", ALL_VERBS)
def test_help_of_a_verb(verb):
    assert sluice("help", verb) == sluice(verb, "--help")


def test_help_alone_and_the_version():
    assert sluice("help") == sluice("--help") == sluice()
    assert sluice("-V") == sluice("--version")
    assert re.fullmatch(r"sluice \d+\.\d+\.\d+\n", sluice("-V")[0])
    refused("help", "train", "gates", code=2, names=["unknown argument 'gates'"])


def test_a_file_and_a_text_may_be_called_like_a_verb(text, tmp_path):
    shutil.copy(text, tmp_path / "info")
    sluice("train", "info", "-o", "train", *TINY, cwd=tmp_path)
    assert "gru" in sluice("info", "train", cwd=tmp_path)[0]
    assert "0." in sluice("complete", "train", "gates", cwd=tmp_path)[0]


# Completion


def complete_in_bash(script, line, cwd=None):
    """What bash offers at the end of a line."""
    words = re.split(r" |(=)", line)
    words = [word for word in words if word] + ([""] if line.endswith((" ",)) else [])
    quoted = " ".join(f"'{word}'" for word in words)
    program = f"""source '{script}'
COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}
_sluice; printf '%s\\n' "${{COMPREPLY[@]}}" """
    out = subprocess.run(["bash", "--norc", "-euo", "pipefail", "-c", program], check=True, capture_output=True,
                         text=True, cwd=cwd).stdout
    return out.split("\n")[:-1] if out != "\n" else []


def complete_in_fish(script, line, cwd=None):
    out = subprocess.run(["fish", "--no-config", "-c", f"source '{script}'; complete -C '{line}'"], check=True,
                         capture_output=True, text=True, cwd=cwd, env={**os.environ, "HOME": str(script.parent)}).stdout
    return [entry.split("\t")[0] for entry in out.splitlines()]


ZSH = r"""
zmodload zsh/zpty
zpty shell zsh -f -i
talk() { zpty -w shell "$1"; }
talk 'PS1= PS2= RPS1=; stty -echo; unsetopt zle_bracketed_paste; zstyle ":completion:*" list-separator "#"'
talk 'autoload -Uz compinit; compinit -D -u; source $SCRIPT; cd $FOLDER'
talk 'zstyle ":completion:*:descriptions" format ""; LISTMAX=10000; COLUMNS=200; zstyle ":completion:*" menu no'
talk 'list() { compstate[list]="list force"; compstate[insert]=; print -r -- "<<"; }'
talk 'comppostfuncs=(list); zle -C offer complete-word _main_complete; bindkey "^I" offer; print READY'
while zpty -r shell line; do [[ $line == *READY* && $line != *print* ]] && break; done
zpty -n -w shell "$LINE"$'\t'
sleep 2
zpty -n -w shell $'\x15print END""OF\n'
while zpty -r shell line; do print -r -- $line; [[ $line == *ENDOF* ]] && break; done
zpty -d shell
"""


def complete_in_zsh(script, line, cwd=None):
    """What zsh lists after Tab; it is driven in a terminal, since its completion works nowhere else."""
    out = subprocess.run(["zsh", "-f", "-c", ZSH], check=True, capture_output=True, text=True, timeout=60,
                         env={**os.environ, "SCRIPT": str(script), "LINE": line, "FOLDER": str(cwd or "."),
                              "TERM": "dumb", "HOME": str(script.parent)}).stdout
    return re.findall(r"[-\w.]+", out)


SHELLS = {"bash": complete_in_bash, "zsh": complete_in_zsh, "fish": complete_in_fish}


@pytest.fixture(scope="module", params=SHELLS)
def offers(request, tmp_path_factory):
    """offers(line): what a shell offers at the end of it."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not here")
    folder = tmp_path_factory.mktemp("completion")
    script = folder / "script"
    script.write_text(sluice("completion", request.param)[0])
    (folder / "some").mkdir()
    (folder / "some/text of mine.txt").touch()
    return lambda line: SHELLS[request.param](script, line, folder / "some")


def test_completion_of_verbs(offers):
    assert set(ALL_VERBS) <= set(offers("sluice "))
    assert "train" in offers("sluice tr")


def test_completion_of_options(offers):
    options = offers("sluice train --")
    assert {"--output", "--cell", "--hidden", "--epochs", "--resume"} <= set(options)
    assert "--temp" not in options


@pytest.mark.parametrize("line, names", [
    ("sluice train --cell ", set(CELLS)),
    ("sluice train --optimizer ", {"sgd", "rmsprop", "adam", "adamw"}),
    ("sluice train --level=", {"word", "char", "pretokenized"}),
    ("sluice export m --precision ", {"f32", "int8"}),
    ("sluice completion ", {"bash", "zsh", "fish"}),
    ("sluice help ", set(ALL_VERBS)),
])
def test_completion_of_values(offers, line, names):
    offered = {re.sub(r"^--\w+=", "", word) for word in offers(line)}
    assert names <= offered and "bf16" not in offered


def test_completion_of_files(offers):
    assert any("mine.txt" in word for word in offers("sluice train "))
    assert any("mine.txt" in word for word in offers("sluice train x --validation "))
    assert not any("mine.txt" in word for word in offers("sluice train x --epochs "))


@pytest.mark.parametrize("verb", ALL_VERBS)
def test_completion_knows_what_help_knows(verb):
    """Every option of help, for every shell; so none is forgotten when one is added."""
    out, _ = sluice(verb, "--help")
    left = "\n".join(re.findall(r"^  (-.*?)(?:  |$)", out, re.MULTILINE)).replace("--[no-]", "--")
    options = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", left))
    assert "--help" in options
    for shell in SHELLS:
        script = sluice("completion", shell)[0]
        for option in options:
            assert (f"-l {option[2:]}" if shell == "fish" else option) in script, (shell, option)


def test_completion_offers_all_that_is_accepted(text, tmp_path):
    """A refusal lists the names that are accepted; completion offers each of them."""
    script = sluice("completion", "bash")[0]
    for option in "--optimizer", "--schedule", "--cell":
        _, err = sluice("train", text, "-o", tmp_path / "m", f"{option}=?", code=2)
        known = re.search(r"expected (?:one of )?(.*), found", err)[1]
        (offered,) = re.findall(rf"^ +{option}\) words='(.*)' ;;", script.split("    train)")[1].split("    complete)")[0],
                                re.MULTILINE)
        assert set(re.findall(r"[\w-]{3,}", known)) == set(offered.split()), option


def test_completion_of_another_shell_is_refused():
    refused("completion", "tcsh", code=2, names=["expected bash, zsh or fish, found 'tcsh'"])
    refused("completion", code=2, names=["SHELL"])


# The manual page


@pytest.fixture(scope="module")
def manual(tmp_path_factory):
    path = tmp_path_factory.mktemp("manual") / "sluice.1"
    path.write_text(sluice("help", "--man")[0])
    return path


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not here")
def test_the_manual_page_is_rendered_without_a_warning(manual):
    result = subprocess.run(["man", "--warnings=all", "-P", "cat", "-l", manual], capture_output=True, text=True,
                            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "MANWIDTH": "100"})
    assert result.returncode == 0 and result.stderr == ""
    page = re.sub(r".\x08", "", result.stdout)
    for section in "NAME", "SYNOPSIS", "OPTIONS", "VERBS", "EXIT STATUS", "ENVIRONMENT":
        assert re.search(f"^{section}$", page, re.MULTILINE), section
    # What stands in help stands in it, signs of roff included.
    words = " ".join(page.split())
    for verb in ALL_VERBS:
        assert re.search(rf"^ +{verb}$", page, re.MULTILINE), verb
        for line in re.findall(r"^  (-.*?)  ", sluice(verb, "--help")[0], re.MULTILINE):
            assert line in words, (verb, line)
    assert "LSTM's forget gate" in words


def test_the_manual_page_is_called_what_it_is(manual):
    assert re.match(r'\.TH SLUICE 1 "" "sluice \d+\.\d+\.\d+" "User Commands"\n\.SH NAME\nsluice \\- \w', manual.read_text())
    refused("help", "train", "--man", code=2, names=["VERB", "train"])
