"""What the tests of sluice export share: models, the exported file compiled for a machine and run there or loaded as a
shared library."""

import ctypes
import json
import platform
import shutil
import struct
import subprocess

import numpy
import pytest

from conftest import ROOT, sluice_json

MACHINES = ROOT / "tests/export"
CELLS = {"rnn": ["--cell=rnn"], "rnn-relu": ["--cell=rnn", "--activation=relu"], "lstm": ["--cell=lstm"],
         "gru": ["--cell=gru"], "gru-reset-after": ["--cell=gru-reset-after"]}
# Sizes that are no multiples of anything, with every weight of its own; and the smallest form.
FORMS = {"two-layers": ["--layers=2", "--hidden=18", "--embedding=7", "--no-tied"],
         "tied": ["--hidden=16", "--tied"]}
PRECISIONS = ["f32", "int8"]
STEPS = 128
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-ffreestanding",
          "-nostdlib"]
# Bounds on what the check finds. f32: what the file promises. int8: of the state at fresh weights; trained ones are
# larger, and there it counts that the probabilities are near and the same word is the likeliest (a share of steps).
F32, INT8_FRESH, INT8_OUTPUTS, INT8_SAME = 1e-5, 2e-2, 0.1, 0.95
CORES = {"cortex-m4": ("mps2-an386", ["-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]),
         "cortex-m7": ("mps2-an500", ["-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"]),
         "cortex-m3": ("mps2-an385", []), "cortex-m0": ("microbit", [])}


def numbers_model(path, cell, *, layers=2, hidden=18, inputs=3, outputs=2):
    """A model on numbers with random weights, written as a model file."""
    random = numpy.random.default_rng(7)
    gates = {"rnn": 1, "lstm": 4}.get(cell.removesuffix("-relu"), 3)
    shapes = {"head.weight": (outputs, hidden), "head.bias": (outputs,)}
    for layer in range(layers):
        shapes |= {f"rnn.weight_ih_l{layer}": (gates * hidden, hidden if layer else inputs),
                   f"rnn.weight_hh_l{layer}": (gates * hidden, hidden), f"rnn.bias_ih_l{layer}": (gates * hidden,),
                   f"rnn.bias_hh_l{layer}": (gates * hidden,)}
    config = {"cell": cell.removesuffix("-relu"), "layers": layers, "hidden": hidden, "inputs": inputs,
              "outputs": outputs, "activation": "relu" if cell.endswith("-relu") else "tanh"}
    header = {"__metadata__": {"format": "pt", "sluice.version": "1", "sluice.cell": config["cell"],
                               "sluice.config": json.dumps(config),
                               "sluice.self-check": "none", "sluice.checksum": "none"}}
    content = b""
    for name, shape in shapes.items():
        values = random.uniform(-1, 1, shape).astype("<f4") / numpy.float32(hidden ** 0.5)
        if name.endswith(f"bias_hh_l{name[-1]}"):
            values[:2 * hidden if cell == "gru-reset-after" else None] = 0  # added to the other bias, if it is not apart
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(content), len(content) + values.nbytes]}
        content += values.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)
    return path


def export(model, folder, *options):
    """The files model.c and model.h, and what the command said of them."""
    return sluice_json("export", model, "--to", "c", "-o", folder / "model.c", "--header", folder / "model.h", *options)


def compiled(*command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


def difference(output):
    """The numbers that tests/export/main.c prints: the errors, and how many instructions a step and the outputs take."""
    words = output.split()
    assert len(words) == 5 and all(len(word) == 8 for word in words), output
    state, outputs = (struct.unpack(">f", bytes.fromhex(word))[0] for word in words[:2])
    same, step, last = (int(word, 16) for word in words[2:])
    return (state, outputs, same), {"step": step, "outputs": last}


def harness(folder, machine):
    """What is compiled: the model, the program that runs its check, and the machine of it."""
    numbers = [] if "VOCABULARY" in (folder / "model.h").read_text() else ["-DREADS_NUMBERS"]
    return [*numbers, f"-I{folder}", f"-I{MACHINES}", MACHINES / "main.c", MACHINES / machine, folder / "model.c"]


def run_here(folder, compiler="gcc", *flags, machine="linux_x86_64.c"):
    free = [*STRICT, "-static"] if machine == "linux_x86_64.c" else ["-std=c99", "-Wall", "-Wextra", "-Werror"]
    compiled(compiler, *free, "-O2", *flags, *harness(folder, machine), "-o", folder / "program")
    result = subprocess.run([folder / "program"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, f"exit code {result.returncode}\n{result.stderr}"
    return difference(result.stdout)[0]


def run_on(core, folder):
    machine, flags = CORES[core]
    for program in "arm-none-eabi-gcc", "qemu-system-arm":
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    compiled("arm-none-eabi-gcc", *STRICT, "-O2", f"-mcpu={core}", "-mthumb", *flags, "-ffunction-sections",
             "-fdata-sections", f"-Wl,-T,{MACHINES}/cortex_m.ld,--gc-sections", *harness(folder, "cortex_m.c"),
             "-lgcc", "-o", folder / "program.elf")
    result = subprocess.run(["qemu-system-arm", "-machine", machine, "-display", "none", "-monitor", "none", "-serial",
                             "none", "-semihosting-config", "enable=on,target=native", "-icount", "shift=0", "-kernel",
                             folder / "program.elf"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            timeout=60)
    return difference(result.stdout)


def agrees(found, precision):
    state, outputs, same = found
    if precision == "f32":
        assert state < F32 and outputs < F32 and same == STEPS, found
    else:
        assert 0 < outputs < INT8_OUTPUTS and same >= INT8_SAME * STEPS, found


def report(record_property, name, found):
    record_property(name, "state {:.2e}, probabilities {:.2e}, same likeliest {} of {}".format(*found, STEPS))
    print(name, found)


needs_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="tests/export/linux_x86_64.c is for x86-64")


class Library:
    """An exported model as a shared library, driven from here."""

    def __init__(self, folder, said, model=None):
        compiled("gcc", "-std=c99", "-shared", "-fPIC", "-O1", folder / "model.c", "-o", folder / "model.so")
        self.loaded = ctypes.CDLL(str(folder / "model.so"))
        self.tokens = vocabulary(model) if model else None
        self.work = ctypes.create_string_buffer(said["work_bytes"])
        self.state_bytes = said["state_bytes"]

    def start(self):
        state = ctypes.create_string_buffer(b"\xff" * self.state_bytes, self.state_bytes)
        self.loaded.model_init(state)
        return state

    def step(self, state, token):
        self.loaded.model_step(state, self.work, ctypes.c_uint32(token))

    def probabilities(self, state):
        y = (ctypes.c_float * len(self.tokens))()
        self.loaded.model_outputs(state, self.work, y)
        self.loaded.model_softmax(y)
        return list(y)


def vocabulary(model):
    content = model.read_bytes()
    header = json.loads(content[8:8 + int.from_bytes(content[:8], "little")])
    return json.loads(header["__metadata__"]["sluice.vocabulary"])
