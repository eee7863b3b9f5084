"""sluice export --to c: the C file it writes, compiled for this machine and for Arm Cortex-M and compared with the
engine. The file's own PREFIX_check does the comparing, step by step over a text that the model writes itself; tests
below see it fail, and drive the functions from outside over a text of ours."""

import ctypes
import re
import struct
import subprocess

import numpy
import pytest

from conftest import ROOT, TINY, but, refused, sluice, sluice_json, tensors
from exported import (CELLS, CORES, F32, FORMS, INT8_FRESH, PRECISIONS, STEPS, STRICT, Library, agrees, compiled,
                      export, needs_x86, numbers_model, report, run_here, run_on, vocabulary)

SANITIZED = ["-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"]
PROMPT = "Ada likes the red house, and so it"


# What the bounds of 8 bits were measured with: how near a word is to being the likeliest depends on the training.
AS_MEASURED = ["--optimizer=adam", "--schedule=cosine", "--warmup=0", "--weight-decay=0", "--ema-decay=0",
               "--dropout=0.3", "--weight-dropout=0", "--validation-split=0.1", "--validation-streams=0"]


@pytest.fixture(scope="module")
def trained(text, tmp_path_factory):
    """A trained model for each cell and form."""
    folder = tmp_path_factory.mktemp("export")

    def train(cell, form, *options):
        path = folder / f"{cell}-{form}{''.join(options)}.safetensors"
        if not path.exists():
            form = but(TINY, "--epochs=12", "--lr=0.01", *AS_MEASURED, *CELLS[cell], *FORMS[form])
            sluice("train", text, "-o", path, *but(form, *options))
        return path

    return train


def test_every_registered_cell_is_tested(text, tmp_path):
    _, err = sluice("train", text, "-o", tmp_path / "m.safetensors", "--cell", "none", code=2)
    known = re.search(r"expected one of ([a-z, -]+), found", err)[1].split(", ")
    assert set(known) == {options[0].removeprefix("--cell=") for options in CELLS.values()}


@needs_x86
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cell", CELLS)
def test_on_this_machine(trained, tmp_path, record_property, cell, form, precision):
    said = export(trained(cell, form), tmp_path, f"--precision={precision}", f"--check={STEPS}")
    found = run_here(tmp_path)
    report(record_property, f"{cell} {form} {precision}", found)
    agrees(found, precision)
    if precision == "int8":  # what the command and the file say of 8 bits is so
        error = said["error"]
        assert error["steps"] == STEPS and (error["state"], error["outputs"]) == pytest.approx(found[:2], rel=0.05)
        assert abs(error["same_largest"] - found[2]) <= 2
        assert f"{error['state']:.1e} in the state, {error['outputs']:.1e} in the outputs" in (tmp_path / "model.c").read_text()


@needs_x86
@pytest.mark.parametrize("cell", CELLS)
def test_int8_at_fresh_weights(trained, tmp_path, record_property, cell):
    export(trained(cell, "tied", "--lr=0.0000001", "--epochs=1", "--hidden=64"), tmp_path, "--precision=int8",
           f"--check={STEPS}")
    found = run_here(tmp_path)
    report(record_property, f"{cell} fresh int8", found)
    assert 0 < found[0] < INT8_FRESH, found


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("cell", CELLS)
def test_sanitizers_find_nothing(trained, tmp_path, cell, precision):
    export(trained(cell, "two-layers"), tmp_path, f"--precision={precision}", f"--check={STEPS}")
    agrees(run_here(tmp_path, "clang", *SANITIZED, machine="hosted.c"), precision)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_inputs_wider_than_the_layer_have_room(tmp_path, precision):
    export(numbers_model(tmp_path / "m.safetensors", "gru", hidden=6, inputs=41), tmp_path, f"--precision={precision}",
           f"--check={STEPS}")
    agrees(run_here(tmp_path, "clang", *SANITIZED, machine="hosted.c"), precision)


@needs_x86
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("level", ["-O0", "-Os", "-O3", "-Ofast"])
def test_no_level_of_optimisation_needs_a_library(trained, tmp_path, compiler, level):
    for precision in PRECISIONS:
        export(trained("lstm", "two-layers"), tmp_path, f"--precision={precision}", f"--check={STEPS}", "--force")
        agrees(run_here(tmp_path, compiler, level), precision)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("cell", CELLS)
def test_on_a_microcontroller(trained, tmp_path, record_property, cell, precision):
    said = export(trained(cell, "two-layers"), tmp_path, f"--precision={precision}", f"--check={STEPS}")
    found, instructions = run_on("cortex-m4", tmp_path)
    report(record_property, f"{cell} cortex-m4 {precision}", found)
    agrees(found, precision)
    # Without the check and the texts, what is left is the network: its weights and a few kilobytes of code.
    export(trained(cell, "two-layers"), tmp_path, f"--precision={precision}", "--no-tokens", "--force")
    compiled("arm-none-eabi-gcc", *STRICT, "-Os", "-mcpu=cortex-m4", "-mthumb", *CORES["cortex-m4"][1], "-c",
             tmp_path / "model.c", "-o", tmp_path / "model.o")
    sizes = subprocess.run(["arm-none-eabi-size", tmp_path / "model.o"], capture_output=True, text=True).stdout
    code, data, bss = map(int, sizes.splitlines()[1].split()[:3])
    record_property("size", f"{cell} {precision}: {code} bytes of flash of which {said['weight_bytes']} are weights, "
                            f"{said['state_bytes']} + {said['work_bytes']} of memory; multiply-adds "
                            f"{said['multiply_adds']}, instructions {instructions}")
    print(sizes, said, instructions)
    # Activations aside, a multiply-add is a few instructions.
    assert 0 < instructions["outputs"] < 5 * said["multiply_adds"]["outputs"] + 2000
    assert 0 < instructions["step"] < 5 * said["multiply_adds"]["step"] + 20000
    assert (data, bss) == (0, 0), "no mutable state of its own"
    assert said["weight_bytes"] < code < said["weight_bytes"] + 3000


@needs_x86
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("cell", CELLS)
def test_a_model_on_numbers(tmp_path, record_property, cell, precision):
    said = export(numbers_model(tmp_path / "m.safetensors", cell), tmp_path, f"--precision={precision}",
                  f"--check={STEPS}")
    found = run_here(tmp_path)
    report(record_property, f"{cell} numbers {precision}", found)
    if precision == "f32":
        assert max(found[:2]) < F32, found
    else:
        assert found[:2] == pytest.approx((said["error"]["state"], said["error"]["outputs"]), rel=0.05)
        assert 0 < found[0] < INT8_FRESH and 0 < found[1] < INT8_FRESH, found
    run = run_on("cortex-m4", tmp_path)[0]
    assert run[:2] == pytest.approx(found[:2], rel=0.05, abs=1e-6)


@needs_x86
@pytest.mark.parametrize("precision", PRECISIONS)
def test_forecasts_and_classes(tmp_path, precision):
    """What stands after the last step, quantiles, scaled features and classes."""
    random = numpy.random.default_rng(3)
    table, rows = tmp_path / "table.csv", tmp_path / "rows.csv"
    table.write_text("t,x\n" + "".join(f"{t},{x:.4f}\n" for t, x in enumerate(random.normal(5, 2, 120))))
    rows.write_text("".join(",".join(f"{v:.4f}" for v in random.normal(30, 7, 6)) + f",{k % 3}\n" for k in range(60)))
    quick = ["--hidden=12", "--epochs=2", "--threads=1", "-q"]
    for name, arguments in {"forecast": [table, "--task=forecast", "--time=t", "--horizon=4", "--lookback=16"],
                            "classes": [rows, "--task=classify", "--direction=forward", "--at=last"]}.items():
        folder = tmp_path / name
        folder.mkdir()
        model = folder / "m.safetensors"
        sluice("train", *arguments, "-o", model, *quick)
        said = export(model, folder, f"--precision={precision}", f"--check={STEPS}")
        found = run_here(folder)
        if precision == "f32":
            assert max(found[:2]) < F32, (name, found)
        else:
            assert found[:2] == pytest.approx((said["error"]["state"], said["error"]["outputs"]), rel=0.05), name
        source = "".join(file.read_text() for file in sorted(folder.glob("*.[ch]")))
        assert ("_softmax(float *y)" in source) == (name == "classes")
        assert f"OUTPUTS = {4 * 3 if name == 'forecast' else 3}," in source


@needs_x86
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name, word", [("lstm.nam", "model_init_c[i]"), ("guitarml.json", "y[i] += state->added[i]")])
def test_amplifiers(tmp_path, name, word, precision):
    """Layers that begin at a state of their own; an input that is added to the output."""
    model = tmp_path / "m.safetensors"
    sluice("import", ROOT / "fuzz/corpus/foreign_json_fuzz" / name, "-o", model)
    said = export(model, tmp_path, f"--precision={precision}", f"--check={STEPS}")
    assert word in (tmp_path / "model.c").read_text()
    found = run_here(tmp_path)
    if precision == "f32":
        assert max(found[:2]) < F32, found
    else:
        assert found[:2] == pytest.approx((said["error"]["state"], said["error"]["outputs"]), rel=0.05)


def test_int8_follows_the_size_of_the_input(tmp_path):
    # The scale is that of the step at hand, so that an error is a share of the answer whatever its size.
    model = numbers_model(tmp_path / "m.safetensors", "rnn-relu", layers=1, inputs=5)
    libraries = []
    for precision in PRECISIONS:
        (tmp_path / precision).mkdir()
        libraries.append(Library(tmp_path / precision, export(model, tmp_path / precision, f"--precision={precision}")))

    def answer(c, scale):
        state, y = c.start(), (ctypes.c_float * 2)()
        for t in range(8):
            c.loaded.model_step(state, c.work, (ctypes.c_float * 5)(*(scale * numpy.sin(numpy.arange(5) + t))))
        c.loaded.model_outputs(state, c.work, y)
        return numpy.array(y)

    for scale in 1e-3, 1, 1e3, 1e6:
        exact, rounded = (answer(c, scale) for c in libraries)
        assert numpy.abs(rounded - exact).max() < 0.02 * numpy.abs(exact).max(), scale


@pytest.mark.parametrize("core", ["cortex-m7", "cortex-m3", "cortex-m0"])
def test_on_other_cores(trained, tmp_path, core):
    for precision in PRECISIONS:
        export(trained("gru", "two-layers"), tmp_path, f"--precision={precision}", f"--check={STEPS}", "--force")
        agrees(run_on(core, tmp_path)[0], precision)


@needs_x86
@pytest.mark.parametrize("array", ["embedding", "w0", "u1", "b1", "c0", "head", "head_bias"])
def test_the_check_notices_one_wrong_weight(trained, tmp_path, array):
    export(trained("gru-reset-after", "two-layers"), tmp_path, f"--check={STEPS}")
    source = (tmp_path / "model.c").read_text()
    # The second number: of <unk>'s embedding, with which the check begins, or of a gate's first rows.
    wrong = re.sub(rf"(static const float model_{array}\[\d+\] = {{\n  \S+, )(\S+)f,", r"\1 1.0f + \2f,", source)
    assert wrong != source
    (tmp_path / "model.c").write_text(wrong)
    state, outputs, _ = run_here(tmp_path)
    assert max(state, outputs) > 10 * F32


@pytest.mark.parametrize("cell", CELLS)
def test_it_expects_the_next_words_of_complete(trained, tmp_path, cell):
    model = trained(cell, "two-layers")
    c = Library(tmp_path, export(model, tmp_path), model)
    state = c.start()
    for word in ["\n", *PROMPT.replace(",", " ,").split()]:  # complete begins after the end of a line
        c.step(state, c.tokens.index(word))
    found = c.probabilities(state)
    assert sum(found) == pytest.approx(1, abs=1e-5)
    for candidate in sluice_json("complete", model, PROMPT, "--top", "10")["candidates"]:
        assert found[c.tokens.index(candidate["token"])] == pytest.approx(candidate["probability"], abs=F32)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_streams_share_all_but_their_state(trained, tmp_path, precision):
    model = trained("lstm", "two-layers")
    c = Library(tmp_path, export(model, tmp_path, f"--precision={precision}"), model)
    words = [[3, 5, 7, 9, 11, 2], [4, 4, 6, 10, 1, 8]]

    def alone(tokens):
        state = c.start()
        for token in tokens:
            c.step(state, token)
        return state.raw, c.probabilities(state)

    expected = [alone(tokens) for tokens in words]
    assert expected[0] != expected[1]
    states = [c.start(), c.start()]
    for pair in zip(*words):
        for state, token in zip(states, pair):
            c.step(state, token)
            c.probabilities(state)
    assert [(state.raw, c.probabilities(state)) for state in states] == expected
    # A copied state goes on as the original does; a token that there is none of is <unk>.
    copies = [ctypes.create_string_buffer(states[0].raw, c.state_bytes) for _ in range(2)]
    c.step(copies[0], 0)
    c.step(copies[1], 2**32 - 1)
    assert copies[0].raw == copies[1].raw != states[0].raw


def test_what_is_not_a_number_is_not_lost(trained, tmp_path):
    for precision in PRECISIONS:
        model = trained("rnn-relu", "two-layers")
        c = Library(tmp_path, export(model, tmp_path, f"--precision={precision}", "--force"), model)
        for bad in float("nan"), float("inf"):
            state = c.start()
            struct.pack_into("f", state, 4, bad)
            c.step(state, 1)
            assert any(p != p for p in c.probabilities(state)), (precision, bad)
        (tmp_path / "model.so").unlink()  # the next one must not be the one that is loaded


def test_the_texts_of_the_tokens(tmp_path):
    odd = "a?\\\"\t%\né😀??=ñ*/" * 40
    (tmp_path / "odd.txt").write_text(odd)
    model = tmp_path / "m.safetensors"
    sluice("train", tmp_path / "odd.txt", "-o", model, *TINY, "--level=char")
    said = export(model, tmp_path)
    c = Library(tmp_path, said, model)
    found = (ctypes.c_char_p * len(c.tokens)).in_dll(c.loaded, "model_tokens")
    assert [text.decode() for text in found] == c.tokens and "😀" in c.tokens and "?" in c.tokens
    assert said["token_bytes"] == sum(len(token.encode()) + 1 for token in c.tokens)
    compiled("gcc", *STRICT, "-c", tmp_path / "model.c", "-o", tmp_path / "model.o")
    assert export(model, tmp_path, "--no-tokens", "--force")["token_bytes"] == 0
    assert "tokens" not in (tmp_path / "model.h").read_text()


def test_the_same_model_gives_the_same_file(trained, tmp_path):
    files = []
    for name in "one", "other":
        (tmp_path / name).mkdir()
        export(trained("gru", "tied"), tmp_path / name, "--check=8")
        files.append([(tmp_path / name / file).read_bytes() for file in ("model.c", "model.h")])
    assert files[0] == files[1]
    export(trained("gru", "tied", "--seed=2"), tmp_path / "one", "--check=8", "--force")
    assert (tmp_path / "one/model.c").read_bytes() != files[0][0]


def test_two_models_in_one_program(trained, tmp_path):
    # One as a file by itself, one beside its header.
    sluice("export", trained("gru", "tied"), "--to", "c", "-o", tmp_path / "first.c", "--prefix", "first")
    sluice("export", trained("lstm", "tied"), "--to", "c", "-o", tmp_path / "second.c", "--header",
           tmp_path / "second.h", "--prefix", "Second_1", "--precision", "int8")
    (tmp_path / "both.c").write_text('#include "first.c"\n#include "second.h"\n'
                                     "int both = FIRST_HIDDEN + SECOND_1_HIDDEN + sizeof(first_state);\n")
    (tmp_path / "also.cc").write_text('#include "second.h"\nint f() { return SECOND_1_VOCABULARY; }\n')
    compiled("gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", tmp_path / "both.c",
             tmp_path / "second.c", "-o", tmp_path / "both.so")
    compiled("g++", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", tmp_path / "also.cc")


def test_sizes_are_those_of_the_network(trained, tmp_path):
    model = trained("gru-reset-after", "two-layers")
    said = export(model, tmp_path)
    header, _ = tensors(model)
    V, E, H = len(vocabulary(model)), 7, 18
    weights = V * E + 3 * H * (E + H) + 2 * 3 * H * H + 2 * 4 * H + 3 * H * H + V * H + V - 3 * H * H
    assert header["head.weight"]["shape"] == [V, H]
    assert said["weight_bytes"] == 4 * weights
    assert said["state_bytes"] == 4 * 2 * H and said["work_bytes"] == 4 * 4 * H
    assert said["multiply_adds"] == {"step": 3 * H * (E + H) + 3 * H * (H + H), "outputs": V * H}
    assert said["source"] == str(tmp_path / "model.c") and said["header"] == str(tmp_path / "model.h")
    out, _ = sluice("export", model, "--to", "c", "-o", tmp_path / "model.c", "--force")
    for number in said["weight_bytes"], said["state_bytes"], said["multiply_adds"]["step"]:
        assert f"{number:,}" in out
    assert f"{said['weight_bytes']:,} bytes" in (tmp_path / "model.c").read_text()
    small = export(model, tmp_path, "--precision=int8", "--force")
    assert small["weight_bytes"] < 0.5 * said["weight_bytes"]


def test_bad_input(trained, text, tmp_path):
    model, output = trained("gru", "tied"), tmp_path / "m.c"
    asked = ["export", model, "--to", "c", "-o", output]
    refused("export", model, "--to", "rust", "-o", output, code=2, names=["--to", "rust", "c"])
    refused("export", model, "-o", output, code=2, names=["--to"])
    refused("export", model, "--to", "c", code=2, names=["--output"])
    refused(*asked, "--precision", "int4", code=2, names=["--precision", "f32", "int4"])
    for prefix in "", "1st", "a-b", "_x", "é", "a b":
        refused(*asked, "--prefix", prefix, code=2, names=["prefix", "identifier"])
    refused(*asked, "--tokens", "--no-tokens", code=2, names=["tokens"])
    refused(*asked, "--header", output, code=2, names=["--header"])
    refused("export", text, "--to", "c", "-o", output, code=3, names=[text])
    refused("export", tmp_path / "none", "--to", "c", "-o", output, code=3, names=["none"])
    refused("export", model, "--to", "c", "-o", tmp_path / "no/m.c", code=1, names=["no"])
    refused("export", model, "--to", "c", "-o", tmp_path, code=1, names=[tmp_path])
    assert not output.exists()
    numbers = numbers_model(tmp_path / "numbers.safetensors", "gru")
    refused("export", numbers, "--to", "c", "-o", output, "--tokens", code=2, names=["tokens", "text"])
    assert not output.exists()
    output.write_text("mine")
    refused(*asked, code=1, names=[output])
    refused("export", model, "--to", "c", "-o", tmp_path / "new.c", "--header", output, code=1, names=[output])
    assert output.read_text() == "mine" and not (tmp_path / "new.c").exists()
