"""Runs every check of the house and counts them; called by scripts/test, which installs what this needs.

Usage: scripts/test [PART...]. The parts, in order, are the functions marked @part below. The last line is
"N passed, N failed, N skipped" over everything that ran; the exit code is 1 when anything failed. `bindings` runs only
where it is named: scripts/test python bindings.
"""

import concurrent.futures
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
RESULTS = BUILD / "results"
PYTHON = BUILD / "python/bin/python"
PACKAGE = BUILD / "package/environment/bin/python"  # has the package for Python and what its tests need
FUZZ_SECONDS = 5
TARGETS = BUILD / "targets"  # what targets() found
PARTS = {}
BESIDE = {}  # builds that run beside other parts
ON_REQUEST = ["bindings"]  # parts that run only where they are named


class Tally:
    """What a part found: one entry for each check."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add(self, name, good):
        if good:
            self.passed += 1
        else:
            self.failed.append(name)

    def add_junit(self, file, exit_code):
        """Counts a junit file as GoogleTest and pytest write it. A runner that died without one has failed."""
        if not file.exists():
            self.failed.append(f"{file.stem}: exit code {exit_code} and no result")
            return
        failed = len(self.failed)
        for case in xml.parse(file).getroot().iter("testcase"):
            name = f"{file.stem}: {case.get('classname')}.{case.get('name')}"
            skip = case.find("skipped")
            if case.get("status") == "notrun":
                continue
            if skip is not None:
                self.skipped.append(f"{name}: {(skip.get('message') or '').strip()}")
            else:
                self.add(name, case.find("failure") is None and case.find("error") is None)
        if exit_code and failed == len(self.failed):
            self.failed.append(f"{file.stem}: exit code {exit_code}")


def part(function):
    PARTS[function.__name__] = function
    return function


def run(*command, **environment):
    """Runs a command with its output on ours; returns its exit code."""
    command = [str(word) for word in command]
    print("$", " ".join(f"{key}={value}" for key, value in environment.items()), " ".join(command), flush=True)
    try:
        return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, env={**os.environ, **environment}).returncode
    except FileNotFoundError:
        print(f"there is no {command[0]}", flush=True)
        return 127


def run_gtest(tally, program, label, *options, **environment):
    result = RESULTS / f"{label}.xml"
    code = run(*program, "--gtest_brief=1", f"--gtest_output=xml:{result}", *options, **environment)
    tally.add_junit(result, code)


def run_pytest(tally, label, *arguments, python=None, **environment):
    result = RESULTS / f"{label}.xml"
    python = python or (PYTHON if PYTHON.exists() else sys.executable)
    code = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={result}", *arguments, **environment)
    tally.add_junit(result, code)


def sanitizers():
    """The builds by clang: CMake's options, the compiler's flags and what is built of each."""
    address = ["-DSLUICE_SANITIZE=address,undefined", "-DSLUICE_FUZZ=ON", "-DSLUICE_TOOL=ON"]
    best = only_target(targets()[0]) if targets() else ""
    return {
        "address": (address, best, "all"),
        # Of the same flags, so that ccache knows what both have; in a folder of its own, since few ask for it.
        "bindings": ([*address, f"-DPython_EXECUTABLE={PACKAGE}", "-DSLUICE_PYTHON=ON"], best, "_core"),
        # Threads do not differ by instruction set.
        "thread": (["-DSLUICE_SANITIZE=thread", "-DSLUICE_TOOL=OFF",
                    "-DSLUICE_LEAVE_OUT=/src/formats/foreign/|/tests/(data|formats|house)/"], only_target("AVX2"), "all"),
    }


def build_with_clang(label, log=None):
    """Builds the tests by clang with assertions on, in build/LABEL; whether it could. With a log, at the lowest priority,
    and what the compiler says goes there."""
    folder = BUILD / label
    options, flags, target = sanitizers()[label]
    commands = [["ninja", "-C", folder, target]]
    if not (folder / "build.ninja").exists():
        commands.insert(0, [
            "cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_CXX_COMPILER=clang++",
            "-DCMAKE_C_COMPILER=clang", "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_C_FLAGS=-O1 -g1",
            f"-DCMAKE_CXX_FLAGS=-O1 -g1 -D_GLIBCXX_ASSERTIONS {flags}", "-DSLUICE_TESTS=ON", "-DSLUICE_EXAMPLES=OFF",
            *options])
    if log is None:
        return all(run(*command) == 0 for command in commands)
    with open(log, "w") as output:
        return all(subprocess.run(["nice", "-n", "19", *command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output,
                                  stderr=subprocess.STDOUT).returncode == 0 for command in commands)


def build_beside(labels):
    """Begins builds that later parts wait for: the parts before those leave a processor idle most of the time."""
    builder = concurrent.futures.ThreadPoolExecutor(1)
    for label in labels:
        BESIDE[label] = builder.submit(build_with_clang, label, RESULTS / f"{label}.log")


def built_with_clang(tally, label):
    """The folder of a build by clang; None, and a failure is counted, where there is none."""
    built = BESIDE[label].result() if label in BESIDE else build_with_clang(label)
    if label in BESIDE and not built:
        print((RESULTS / f"{label}.log").read_text()[-8000:], flush=True)
    tally.add(f"{label}: build", built)
    return BUILD / label if built else None


def targets():
    """The instruction sets of this machine from the best one on, as tests/house/targets_test.cc lists them in the part
    release, of this call or the last one that had it; none before that has run."""
    result = RESULTS / "release.xml"
    for entry in xml.parse(result).iter("property") if result.exists() else []:
        if entry.get("name") == "targets":
            TARGETS.write_text(entry.get("value"))
    return TARGETS.read_text().split() if TARGETS.exists() else []


def only_target(name):
    """Compiler flags that leave kernels for this instruction set and for none: the rest would be compiled for nobody."""
    others = [f"HWY_{other}" for other in ("SSSE3", "SSE4", "AVX2", "AVX3", "AVX3_DL") if other != name]
    return f"-DHWY_DISABLED_TARGETS='({'|'.join(others)})'"


@part
def release(tally):
    """The release build by g++, warnings being errors, and the C++ tests on every SIMD target of this machine."""
    built = run("scripts/build", "--tests") == 0
    tally.add("release: build", built)
    if not built:
        return
    tests = BUILD / "tests/sluice_tests"
    run_gtest(tally, [tests], "release")
    run_gtest(tally, [BUILD / "tests/sluice_realtime"], "realtime")
    for target in targets()[1:]:
        run_gtest(tally, [tests], f"release-{target}", SLUICE_TARGET=target, RC_PARAMS="max_success=20")


@part
def format(tally):
    """clang-format."""
    tally.add("format: scripts/check-format", run("scripts/check-format") == 0)


@part
def house(tally):
    """The floors: who may include whom."""
    run_pytest(tally, "house", "tests/house")


@part
def python(tally):
    """The package for Python: the wheel, in an environment of its own with scikit-learn, pandas and others."""
    folder, interpreter = BUILD / "package", PACKAGE
    if not interpreter.exists():
        run(sys.executable, "-m", "venv", interpreter.parents[1])
    run("scripts/install-packages", "python3-dev")
    shutil.rmtree(folder / "wheel", ignore_errors=True)
    built = run(interpreter, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps",
                "--config-settings=cmake.define.SLUICE_WERROR=ON", "-w", folder / "wheel", ".",
                CC="cc", CXX="c++") == 0  # by the name that the other parts have for it, so that ccache knows its objects
    tally.add("python: pip wheel", built)
    wheels = sorted((folder / "wheel").glob("*.whl"))
    # pip takes no other version of a package of the same number by itself.
    installed = built and 0 == run(interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                                   "--force-reinstall", "--no-deps", *wheels) and 0 == run(
        interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wheels, "-r",
        "tests/bindings/requirements.txt")
    tally.add("python: pip install", installed)
    if not installed:
        return
    run_pytest(tally, "python", "tests/bindings", python=interpreter, SLUICE_WHEEL=str(wheels[0]))


@part
def command(tally):
    """The command itself: every verb, every row of bad input, kill and resume, reference readers of the model file."""
    tally.add("command: build", run("scripts/build") == 0)
    of_others = [f"--ignore=tests/python/test_{name}.py" for name in ("readme", "examples", "embedding")]
    run_pytest(tally, "command", "tests/python", *of_others)


@part
def browser(tally):
    """The page of explain and serve in a real browser; pictures of it go to build/browser/."""
    # Where they cannot be installed, the tests say that they were skipped.
    run("scripts/install-packages", "chromium", "chromium-driver", "python3-selenium")
    tally.add("browser: build", run("scripts/build") == 0)
    run_pytest(tally, "browser", "tests/browser")


@part
def readme(tally):
    """What the README tells people to type, and its lines of C++."""
    tally.add("readme: build", run("scripts/build") == 0)
    run_pytest(tally, "readme", "tests/python/test_readme.py")


@part
def examples(tally):
    """The programs of examples/, each on something that shows whether it works."""
    built = run("scripts/build") == 0 and run("cmake", "--build", BUILD, "--target", "sluice_examples") == 0
    tally.add("examples: build", built)
    run_pytest(tally, "examples", "tests/python/test_examples.py")


@part
def packaging(tally):
    """The library installed, found and linked in every way that is promised, its symbols and size, and removed again."""
    built = run("scripts/build", "--library") == 0
    tally.add("packaging: build", built)
    run_pytest(tally, "packaging", "tests/packaging", "tests/python/test_embedding.py")


@part
def address(tally):
    """The C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer; the same build holds fuzzers and the command."""
    folder = built_with_clang(tally, "address")
    if folder:
        run_gtest(tally, [folder / "tests/sluice_tests"], "address", RC_PARAMS="max_success=20",
                  UBSAN_OPTIONS="print_stacktrace=1")


@part
def bindings(tally):
    """The tests of the package for Python under the same sanitizers, in the environment that the part python made."""
    build = built_with_clang(tally, "bindings")
    if not build:
        return
    module = build / "bindings/python/_core.abi3.so"
    folder = build / "package/sluice"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "bindings/python/sluice", folder)
    for built in (module, module.with_name("_options.py")):
        shutil.copy(built, folder)
    runtime = subprocess.run(["clang", "-print-file-name=libclang_rt.asan-x86_64.so"], capture_output=True,
                             text=True).stdout.strip()
    # What Python itself never frees is no leak of ours; test_leaks.py looks for those.
    of_others = ["docs", "notebook", "package", "leaks"]
    run_pytest(tally, "bindings", "tests/bindings", *(f"--ignore=tests/bindings/test_{name}.py" for name in of_others),
               "-k", "not growth and not scikit", python=PACKAGE, PYTHONPATH=str(folder.parent), LD_PRELOAD=runtime,
               ASAN_OPTIONS="detect_leaks=0", UBSAN_OPTIONS="print_stacktrace=1")


@part
def fuzz(tally):
    """Every parser's fuzzer, a few seconds each (scripts/test address builds them)."""
    folder = BUILD / "address/fuzz"
    for source in sorted((ROOT / "fuzz").glob("*_fuzz.cc")):
        name = source.stem
        grown = folder / f"corpus/{name}"
        grown.mkdir(parents=True, exist_ok=True)
        seeds = ROOT / "fuzz/corpus" / name
        if not (folder / name).exists():
            tally.add(f"fuzz: {name} is not built", False)
            continue
        print(f"{name}, {FUZZ_SECONDS} seconds", flush=True)
        fuzzer = subprocess.run([folder / name, f"-max_total_time={FUZZ_SECONDS}", "-timeout=10", "-rss_limit_mb=2048",
                                 f"-artifact_prefix={folder}/{name}-", grown, *([seeds] if seeds.exists() else [])],
                                stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
        if fuzzer.returncode:
            print(fuzzer.stderr[-5000:])
        tally.add(f"fuzz: {name}", fuzzer.returncode == 0)


@part
def serve(tally):
    """The server under attack, under the same sanitizers (scripts/test address builds it)."""
    run_pytest(tally, "serve", "tests/python/test_serve.py", "-k",
               "malformed or slow or hostile or wrong or strangers or at_once or stops",
               SLUICE_COMMAND=str(BUILD / "address/sluice"), UBSAN_OPTIONS="print_stacktrace=1")


@part
def thread(tally):
    """The C++ tests under ThreadSanitizer, but for long ones that run on one thread."""
    folder = built_with_clang(tally, "thread")
    if folder:
        # This sanitizer's memory map needs the address space laid out without chance on newer kernels.
        fixed_layout = ["setarch", "--addr-no-randomize"]
        if subprocess.run([*fixed_layout, "true"], capture_output=True).returncode:
            fixed_layout = []
        run_gtest(tally, [*fixed_layout, folder / "tests/sluice_tests"], "thread",
                  "--gtest_filter=-MaxSeconds.*:TrainingCurve.*:PublishedBaselines.*:All/*Option.*:All/Resume.*:Favourites*:*Target*", RC_PARAMS="max_success=5")


@part
def tidy(tally):
    """clang-tidy with the short list of .clang-tidy."""
    tally.add("tidy: scripts/check-tidy", run("scripts/check-tidy") == 0)


def share_objects():
    """Several parts build the library with the same flags in folders of their own: with ccache each file is compiled
    once. Whoever has settings for it keeps them."""
    if not shutil.which("ccache"):
        return
    settings = {"CMAKE_C_COMPILER_LAUNCHER": "ccache", "CMAKE_CXX_COMPILER_LAUNCHER": "ccache",
                "CCACHE_DIR": str(BUILD / "ccache"), "CCACHE_NOHASHDIR": "1",
                # Of precompiled headers, and of files that were written in the second before.
                "CCACHE_SLOPPINESS": "pch_defines,time_macros,include_file_mtime,include_file_ctime"}
    for name, value in settings.items():
        os.environ.setdefault(name, value)


def processor_seconds():
    """What the programs that this one has run have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def prepare():
    """A fresh folder of results, and Python with the reference readers of model files and event files, and axe-core."""
    share_objects()
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    if not PYTHON.exists():
        run(sys.executable, "-m", "venv", "--system-site-packages", PYTHON.parents[1])
    if subprocess.run([PYTHON, "-c", "import axe_core_python, safetensors, tensorboard"], capture_output=True).returncode:
        # Where there is no way to PyPI, the tests that need them say that they were skipped.
        run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "axe-core-python", "safetensors",
            "tensorboard")


def main():
    chosen = sys.argv[1:] or [name for name in PARTS if name not in ON_REQUEST]
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        sys.exit(f"no such part: {' '.join(unknown)}; the parts are: {' '.join(PARTS)}")
    prepare()
    tallies = {}
    for name in chosen:
        # The build with address sanitizer takes the module for Python's environment, and the best target, from others.
        if name not in ("release", "format", "house", "python") and not BESIDE:
            build_beside([label for label in sanitizers() if label in chosen and label != name])
        print(f"\n=== {name}: {PARTS[name].__doc__}", flush=True)
        start, worked = time.monotonic(), processor_seconds()
        tallies[name] = tally = Tally()
        PARTS[name](tally)
        tally.seconds, tally.worked = time.monotonic() - start, processor_seconds() - worked

    skipped = [line for tally in tallies.values() for line in tally.skipped]
    failed = [line for tally in tallies.values() for line in tally.failed]
    for line in skipped:
        print("skipped:", line)
    # The seconds of processors are those of programs that ended in the part, such as builds that began beside others.
    print("\npart        passed  failed  skipped  seconds  of processors")
    for name, tally in tallies.items():
        print(f"{name:<10} {tally.passed:7} {len(tally.failed):7} {len(tally.skipped):8} {tally.seconds:8.0f} "
              f"{tally.worked:14.0f}")
    for line in failed:
        print("FAILED:", line)
    passed = sum(tally.passed for tally in tallies.values())
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
