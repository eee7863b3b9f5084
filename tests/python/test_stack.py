"""Layers of different sizes: `train --hidden 24,12`, and what the other verbs make of such a model."""

import pytest

from conftest import LONG, TINY, but, refused, sluice, sluice_json, start, tensors

SIZES = "24,12"


@pytest.fixture(scope="module")
def stack(text, tmp_path_factory):
    path = tmp_path_factory.mktemp("stack") / "stack.safetensors"
    out, _ = sluice("train", text, "-o", path, *but(TINY, f"--hidden={SIZES}"))
    assert "gru 24,12, 2 epochs" in out
    return path


def test_each_layer_has_its_size(stack):
    header, _ = tensors(stack)
    assert header["rnn.gru.weight_hh_l0"]["shape"] == [72, 24] and header["rnn.gru.weight_ih_l1"]["shape"] == [36, 24]
    assert header["rnn.gru.weight_hh_l1"]["shape"] == [36, 12]
    # Words are tied by default, so the embedding is as wide as the last layer.
    assert header["embedding.weight"]["shape"][1] == 12 and "head.weight" not in header


def test_equal_sizes_are_the_shorthand(text, tmp_path):
    sluice("train", text, "-o", tmp_path / "list", *but(TINY, "--hidden=16,16"))
    sluice("train", text, "-o", tmp_path / "plain", *but(TINY, "--hidden=16", "--layers=2"))
    assert tensors(tmp_path / "list") == tensors(tmp_path / "plain")
    said = sluice_json("info", tmp_path / "list")
    assert (said["config"]["layers"], said["config"]["hidden"]) == (2, 16)
    sluice("train", text, "-o", tmp_path / "both", *but(TINY, "--hidden=16,16", "--layers=2"))
    assert tensors(tmp_path / "both") == tensors(tmp_path / "plain")


@pytest.mark.parametrize("options, names", [
    ([f"--hidden={SIZES}", "--layers=3"], ["--hidden", "3 of them", SIZES]),
    ([f"--hidden={SIZES}", "--layers=1"], ["--hidden", "one size for one layer", SIZES]),
    ([f"--hidden={SIZES}", "--tied", "--embedding=24"], ["tied", "12", "24"]),
    (["--hidden=24,0"], ["layer 1", "units", "found 0"]), (["--hidden=24,,12"], ["--hidden", "24,,12"]),
    (["--hidden=24,"], ["--hidden", "24,"]), (["--hidden=,"], ["--hidden"]), (["--hidden=24,many"], ["--hidden", "many"]),
    (["--hidden=24,12", "--dropout=1"], ["dropout"]),
])
def test_sizes_that_do_not_fit(text, tmp_path, options, names):
    refused("train", text, "-o", tmp_path / "m", *but(TINY, *options), code=2, names=names)
    assert not list(tmp_path.iterdir())


def test_an_embedding_of_another_size_is_not_tied(text, tmp_path):
    sluice("train", text, "-o", tmp_path / "m", *but(TINY, f"--hidden={SIZES}", "--embedding=7"))
    header, _ = tensors(tmp_path / "m")
    assert header["embedding.weight"]["shape"][1] == 7 and header["head.weight"]["shape"][1] == 12


def test_it_is_read_scored_and_asked(stack, text):
    out, _ = sluice("complete", stack, "Ada", "-n", "5", "-q")
    assert out.strip()
    assert sluice_json("eval", stack, text)["nats_per_token"] > 0


@pytest.mark.parametrize("arguments", [["gates", None, "Ada"], ["explain", None, "Ada"], ["serve", None, "--port=0"],
                                       ["export", None, "--to=c", "-o", "x.c"]])
def test_verbs_that_want_equal_layers_say_so(stack, arguments, tmp_path):
    arguments = [stack if argument is None else argument for argument in arguments]
    refused(*arguments, code=3, cwd=tmp_path, names=[stack, "equal recurrent layers", "2 layers of 24 and 12 units"])
    assert not list(tmp_path.iterdir())


def test_compare_takes_one_size(text):
    refused("compare", text, *but(TINY, f"--hidden={SIZES}"), code=2, names=["--hidden", SIZES])


def test_a_stopped_run_goes_on_with_the_same_bits(text, tmp_path):
    options = [*(o for o in LONG if not o.startswith("--layers")), f"--hidden={SIZES}"]
    options = [*(o for o in options if o != "--hidden=24"), "--cell=lstm"]
    sluice("train", text, "-o", tmp_path / "whole", *options)
    path = tmp_path / "cut"
    process = start("train", text, "-o", path, *options)
    while not (tmp_path / "cut.checkpoint").exists() and process.poll() is None:
        pass
    process.terminate()
    process.communicate()
    assert process.returncode == 143, "it was stopped in the middle"
    others = [option for option in options if not option.startswith("--hidden")]
    refused("train", text, "-o", path, *others, "--hidden=24,16", "--resume", code=3,
            names=["cannot resume", "layer-1-units = 12 (now 16)"])
    sluice("train", text, "-o", path, *options, "--resume")
    assert tensors(path) == tensors(tmp_path / "whole")


def test_training_further_keeps_the_layers(stack, text, tmp_path):
    further = [option for option in TINY if not option.startswith("--hidden")]
    sluice("train", text, "-o", tmp_path / "m", "--from", stack, *further, "--dropout=0.5")
    assert tensors(tmp_path / "m")[0] == tensors(stack)[0]
    sluice("train", text, "-o", tmp_path / "same", "--from", stack, *further, "--dropout=0.5", f"--hidden={SIZES}")
    assert tensors(tmp_path / "same") == tensors(tmp_path / "m")
    for wrong, names in [(["--hidden=24,16"], ["24 and 12", "24 and 16"]), (["--hidden=24,12,8"], ["--hidden", "24,12,8"]),
                         (["--hidden=24"], ["24 and 12 units", "2 layers of 24"]), (["--layers=3"], ["--layers", "2", "3"]),
                         (["--cell=lstm"], ["gru", "lstm"])]:
        refused("train", text, "-o", tmp_path / "no", "--from", stack, *further, *wrong, code=2, names=names)
