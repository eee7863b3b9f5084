"""The library as others use it: installed into a folder, found in every way that is promised, and removed again.

The libraries in build/ are what is installed; tests/run.py builds them first.
"""

import json
import os
import pathlib
import re
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build"
VERSION = re.search(r"project\(sluice VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
SONAME_VERSION = ".".join(VERSION.split(".")[:2])


OF_THE_COMMAND = {"bin/sluice", "share/man/man1/sluice.1", "share/bash-completion/completions/sluice",
                  "share/zsh/site-functions/_sluice", "share/fish/vendor_completions.d/sluice.fish"}


def run(*command, **environment):
    result = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            env={**os.environ, **environment}, check=False)
    assert result.returncode == 0, f"{command}\n{result.stdout[-3000:]}{result.stderr[-3000:]}"
    return result.stdout


def files_of(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


@pytest.fixture(scope="module", autouse=True)
def manifest_of_others():
    """Installing overwrites the list by which `ninja uninstall` works; what stood there is put back."""
    manifest = BUILD / "install_manifest.txt"
    before = manifest.read_bytes() if manifest.exists() else None
    yield
    if before is not None:
        manifest.write_bytes(before)


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", BUILD, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="module")
def libraries(prefix):
    (folder,) = {path.parent for path in prefix.rglob("libsluice.a")}
    return folder


@pytest.fixture(scope="module")
def model(prefix, libraries, tmp_path_factory):
    """A model file, by the consumer that trains; and what each way of linking must print for it."""
    folder = tmp_path_factory.mktemp("model")
    run("g++", "-std=c++20", "-O1", HERE / "train.cc", "-o", folder / "train", *flags(libraries, "sluice"))
    assert "expected a file" in run(folder / "train", folder / "model.safetensors", **where(libraries))
    run("g++", "-std=c++20", "-O1", HERE / "stream.cc", "-o", folder / "stream", *flags(libraries, "sluice-inference"))
    expected = run(folder / "stream", folder / "model.safetensors", **where(libraries))
    values = [float.fromhex(line) for line in expected.split()]
    assert len(values) > 5 and abs(sum(values) - 1) < 1e-5
    return folder / "model.safetensors", expected


def pkg_config(libraries, *arguments):
    return run("pkg-config", *arguments, PKG_CONFIG_PATH=str(libraries / "pkgconfig")).split()


def flags(libraries, name):
    return pkg_config(libraries, "--cflags", "--libs", name)


def where(libraries):
    return {"LD_LIBRARY_PATH": str(libraries)}


def needed(program):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", program))


# The public names, as the headers mark them.


def declared(*headers):
    names = set()
    for header in headers:
        text = (ROOT / "include/sluice" / header).read_text()
        names |= set(re.findall(r"^class SLUICE_API (\w+)", text, re.MULTILINE))
        names |= set(re.findall(r"^SLUICE_API [^(;]*?\b(\w+)\(", text, re.MULTILINE))
        # A struct of which no more than some functions are in the library.
        names |= {struct[1] for struct in re.finditer(r"^struct (\w+) \{$(.*?)^\};$", text, re.MULTILINE | re.DOTALL)
                  if "SLUICE_API" in struct[2]}
    return names


def exported(library):
    """Symbols by their first name within sluice:: (or whole, for C), of a shared library."""
    lines = run("nm", "--dynamic", "--defined-only", "--demangle", library).splitlines()
    names = set()
    for line in lines:
        symbol = re.sub(r"^[0-9a-f]+ \w ", "", line)
        symbol = re.sub(r"^(typeinfo for|typeinfo name for|vtable for) ", "", symbol)
        found = re.match(r"sluice::(?:favourites::)?(\w+)|(sluice_\w+)$", symbol)
        assert found, f"{library.name} shows {symbol}, which is not ours"
        names.add(found[1] or found[2])
    assert len(lines) > 20
    return names


NOT_CPP = ("c.h", "export.h", "train_options.h")  # the last is a list, for a header to include
CPP_HEADERS = [header.name for header in (ROOT / "include/sluice").glob("*.h") if header.name not in NOT_CPP]
NOT_IN_INFERENCE = {"sluice_stream_feed_text"}


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_an_older_standard_is_refused_in_a_sentence(compiler):
    def complaints(header, standard):
        command = [compiler, f"-std={standard}", f"-I{ROOT / 'include'}", "-fsyntax-only", "-x", "c++", "-"]
        result = subprocess.run(command, input=f"#include <sluice/{header}>\n", capture_output=True, text=True)
        return [line for line in result.stderr.splitlines() if "error: " in line]

    for header in CPP_HEADERS:
        assert "needs C++20" in complaints(header, "c++17")[0], header
    assert complaints("c.h", "c++98") == complaints("c.h", "c++17") == []


def test_a_shared_library_shows_the_public_names_and_no_others(libraries):
    assert exported(libraries / "libsluice.so") == declared(*CPP_HEADERS, "c.h")


def test_the_shared_inference_library_shows_its_part(libraries):
    names = exported(libraries / "libsluice_inference.so")
    assert names <= declared(*CPP_HEADERS, "c.h")
    assert names >= declared("cell.h", "error.h", "stream.h", "model.h", "c.h") - NOT_IN_INFERENCE
    assert {"load", "Vocabulary"} <= names
    assert not names & (declared("train.h") | {"Corpus"} | NOT_IN_INFERENCE)


@pytest.mark.parametrize("name", ["libsluice", "libsluice_inference"])
def test_a_shared_library_has_a_soname_and_its_links(libraries, name):
    real = libraries / f"{name}.so.{VERSION}"
    assert f"[{name}.so.{SONAME_VERSION}]" in run("readelf", "-d", real)
    assert not real.is_symlink()
    for link in f"{name}.so", f"{name}.so.{SONAME_VERSION}":
        assert (libraries / link).is_symlink() and (libraries / link).resolve() == real.resolve()
    assert any("utf8proc" in entry for entry in needed(real)) == (name == "libsluice")


def test_every_public_header_is_installed_and_nothing_else(prefix):
    installed = {path.name for path in (prefix / "include/sluice").iterdir()}
    assert installed == {path.name for path in (ROOT / "include/sluice").iterdir()}
    kinds = re.compile(r"include/sluice/|lib[^/]*(/[^/]*-linux-[^/]*)?/(libsluice|cmake/sluice/|pkgconfig/sluice)")
    assert {file for file in files_of(prefix) if not kinds.match(file)} == OF_THE_COMMAND


@pytest.mark.parametrize("kind", ["static", "shared"])
def test_find_package(prefix, libraries, model, kind, tmp_path):
    run("cmake", "-S", HERE / "find_package", "-B", tmp_path, "-G", "Ninja", f"-DKIND={kind}",
        f"-DCMAKE_PREFIX_PATH={prefix}")
    run("ninja", "-C", tmp_path)
    file, expected = model
    for program in "stream", "stream_c":
        assert run(tmp_path / program, file) == expected
        ours = [entry for entry in needed(tmp_path / program) if "sluice" in entry]
        assert ours == ([] if kind == "static" else [f"libsluice_inference.so.{SONAME_VERSION}"])
        assert not any(re.search("utf8proc|hwy|xxhash", entry) for entry in needed(tmp_path / program))
    run(tmp_path / "train", tmp_path / "trained.safetensors")
    assert (tmp_path / "trained.safetensors").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("kind, without, words", [
    ("both", "", "expected the component static or shared, found both"),
    ("static", "utf8proc", "sluice::sluice"),
    ("static", "PkgConfig", "sluice::sluice"),
])
def test_find_package_says_what_it_does_not_have(prefix, kind, without, words, tmp_path):
    # pkg-config that finds nothing, or none.
    disabled = [f"-DCMAKE_DISABLE_FIND_PACKAGE_{without}=ON"] if without == "PkgConfig" else []
    result = subprocess.run(["cmake", "-S", HERE / "find_package", "-B", tmp_path, "-G", "Ninja", f"-DKIND={kind}",
                             f"-DCMAKE_PREFIX_PATH={prefix}", *disabled],
                            env={**os.environ, "PKG_CONFIG_LIBDIR": str(tmp_path)}, capture_output=True, text=True)
    assert result.returncode != 0 and words in " ".join(result.stderr.split()), result.stderr
    assert kind == "both" or "without libutf8proc" in result.stdout


def test_pkg_config(prefix, libraries, model, tmp_path):
    file, expected = model
    assert pkg_config(libraries, "--modversion", "sluice") == [VERSION]
    # In C, shared; in C++, static.
    run("gcc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", HERE / "stream.c", "-o", tmp_path / "c",
        *flags(libraries, "sluice-inference"))
    assert run(tmp_path / "c", file, **where(libraries)) == expected
    static = [str(libraries / "libsluice_inference.a") if flag == "-lsluice_inference" else flag
              for flag in pkg_config(libraries, "--static", "--cflags", "--libs", "sluice-inference")]
    run("g++", "-std=c++20", HERE / "stream.cc", "-o", tmp_path / "static", *static)
    assert run(tmp_path / "static", file) == expected
    assert not any("sluice" in entry or "utf8proc" in entry for entry in needed(tmp_path / "static"))


def test_a_plug_in_need_not_show_what_it_links(libraries, tmp_path):
    """A shared object with the static library in it, as plug-ins are made; see docs/embedding.md."""
    shown = {}
    for flag in "-Wl,--as-needed", "-Wl,--exclude-libs,ALL":
        run("gcc", "-std=c99", "-fPIC", "-shared", HERE / "stream.c", "-o", tmp_path / "plugin.so",
            f"-I{ROOT / 'include'}", libraries / "libsluice_inference.a", flag, "-lstdc++", "-lm", "-pthread")
        shown[flag] = "sluice" in run("nm", "--dynamic", "--defined-only", "--demangle", tmp_path / "plugin.so")
    assert list(shown.values()) == [True, False]


def test_as_a_subdirectory_it_keeps_to_itself(model, tmp_path):
    """Compiled as quickly as can be: the inference part, for the simplest instruction set."""
    run("cmake", "-S", HERE / "subdirectory", "-B", tmp_path, "-G", "Ninja", f"-DSLUICE_ROOT={ROOT}",
        "-DCMAKE_CXX_FLAGS=-O0 -DHWY_COMPILE_ONLY_STATIC")
    run("ninja", "-C", tmp_path)
    file, expected = model
    values = [float.fromhex(line) for line in run(tmp_path / "stream", file).split()]
    assert values == pytest.approx([float.fromhex(line) for line in expected.split()], abs=1e-5)
    assert list(tmp_path.rglob("*.so")) == list(tmp_path.rglob("libsluice.a")) == []


def test_a_program_that_streams_is_small(tmp_path):
    """And has nothing of the training, the text or the tool in it."""
    out = run(ROOT / "scripts/embedded-size", tmp_path / "stream")
    size = int(re.match(r" *(\d+) bytes: the program", out)[1])
    assert size < 1_000_000
    symbols = run("nm", "--demangle", tmp_path / "stream")
    assert "sluice::Stream::step" in symbols
    assert re.findall(r"utf8proc\w*|sluice::(?:Corpus|Optimizer|Trainer|train|evaluate|compare)\w*|"
                      r"\b(?!move_backward\b)\w*backward\w*",  # the standard library moves ranges so
                      symbols) == []
    assert not any(re.search("utf8proc|hwy|xxhash", entry) for entry in needed(tmp_path / "stream"))


def test_uninstalling_leaves_nothing(tmp_path):
    prefix = tmp_path / "prefix"
    (prefix / "include/sluice-of-others").mkdir(parents=True)
    (prefix / "include/sluice-of-others/mine.h").touch()
    run("cmake", "--install", BUILD, "--prefix", prefix)
    assert len(files_of(prefix)) > 20
    run("cmake", "--build", BUILD, "--target", "uninstall")
    assert files_of(prefix) == {"include/sluice-of-others/mine.h"}
    assert [path for path in prefix.rglob("sluice")] == []


def test_what_the_program_wrote_is_what_is_installed(prefix):
    for arguments, file in ((["help", "--man"], "man/man1/sluice.1"),
                            (["completion", "bash"], "bash-completion/completions/sluice"),
                            (["completion", "zsh"], "zsh/site-functions/_sluice"),
                            (["completion", "fish"], "fish/vendor_completions.d/sluice.fish")):
        assert run(prefix / "bin/sluice", *arguments) == (prefix / "share" / file).read_text()


@pytest.fixture(scope="module")
def command_alone(tmp_path_factory):
    """A build folder as scripts/build leaves it in a fresh clone: without the libraries. The program is not compiled
    again; what is tested is what is installed."""
    folder = tmp_path_factory.mktemp("command")
    run("cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DSLUICE_LIBRARIES=OFF")
    (folder / "share").mkdir(exist_ok=True)
    for name in "sluice", *(f"share/{file}" for file in ("sluice.1", "sluice", "_sluice", "sluice.fish")):
        (folder / name).write_bytes((BUILD / name).read_bytes())
    return folder


def test_the_command_alone_can_be_installed(command_alone, tmp_path):
    run("cmake", "--install", command_alone, "--prefix", tmp_path)
    assert files_of(tmp_path) == OF_THE_COMMAND
    run("cmake", "--build", command_alone, "--target", "uninstall")
    assert files_of(tmp_path) == set()


def test_scripts_install_and_uninstall(tmp_path):
    """Twice into one folder, beside what is somebody else's."""
    mine = tmp_path / "share/sluice-of-others/mine"
    mine.parent.mkdir(parents=True)
    mine.touch()
    for _ in range(2):
        run(ROOT / "scripts/install", "--prefix", tmp_path, "--library")
    assert OF_THE_COMMAND | {"share/sluice/installed"} <= files_of(tmp_path)
    listed = (tmp_path / "share/sluice/installed").read_text().split()
    assert {str(tmp_path / file) for file in files_of(tmp_path)} == {*listed, str(mine)}
    assert run(tmp_path / "bin/sluice", "--version") == f"sluice {VERSION}\n"
    run(ROOT / "scripts/uninstall", f"--prefix={tmp_path}")
    assert files_of(tmp_path) == {"share/sluice-of-others/mine"} and not list(tmp_path.rglob("sluice"))
    result = subprocess.run([ROOT / "scripts/uninstall", "--prefix", tmp_path], capture_output=True, text=True)
    assert result.returncode == 1 and "expected the list" in result.stderr
    for script in "install", "uninstall", "build":
        result = subprocess.run([ROOT / "scripts" / script, "--perfix"], capture_output=True, text=True)
        assert result.returncode == 2 and "found '--perfix'" in result.stderr


@pytest.mark.parametrize("preset", ["release", "debug", "library", "tests"])
def test_presets(preset, tmp_path):
    """Each is configured in a folder of its own; they are not built here, which would take minutes."""
    run("cmake", "--preset", preset, "-S", ROOT, "-B", tmp_path)
    cache = dict(re.findall(r"^(\w+):\w+=(.*)$", (tmp_path / "CMakeCache.txt").read_text(), re.MULTILINE))
    assert cache["SLUICE_TESTS"] == ("ON" if preset == "tests" else "OFF")
    assert cache["SLUICE_TOOL"] == ("OFF" if preset == "library" else "ON")
    assert cache["CMAKE_BUILD_TYPE"] == ("Debug" if preset == "debug" else "Release")
    presets = json.loads((ROOT / "CMakePresets.json").read_text())
    assert preset in [one["configurePreset"] for one in presets["buildPresets"]]


@pytest.mark.parametrize("hidden, options, packages", [
    ("rapidcheck", ["-DSLUICE_TESTS=ON"], "librapidcheck-dev"),
    ("CLI11", [], "libcli11-dev"),
    ("PkgConfig", [], "pkg-config libhwy-dev libxxhash-dev libutf8proc-dev libmicrohttpd-dev"),
])
def test_what_lacks_is_named_with_its_package(hidden, options, packages, tmp_path):
    result = subprocess.run(["cmake", "-S", ROOT, "-B", tmp_path, "-G", "Ninja",
                             f"-DCMAKE_DISABLE_FIND_PACKAGE_{hidden}=ON", *options], capture_output=True, text=True)
    assert result.returncode != 0 and f"sudo apt install {packages}\n" in result.stderr, result.stderr


def test_plain_cmake_needs_nothing_of_the_tests(tmp_path):
    run("cmake", "-S", ROOT, "-B", tmp_path, "-DCMAKE_DISABLE_FIND_PACKAGE_rapidcheck=ON",
        "-DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON")
