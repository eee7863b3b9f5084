"""Files that commit f39ebe3 wrote still load, resume and end with the same bits.

tests/goldens/earlier/ holds, for each of two runs on the first 3,000 bytes of shakespeare.txt, the checkpoint of a run
that was stopped and the models that f39ebe3 made of it, resumed with AVX2 and with SSE4."""

import shutil

import pytest

from conftest import EARLIER, ROOT, has_target, sluice, sluice_json, tensors

SHARED = ("--level=char --embedding=4 --hidden=5 --batch=3 --steps=20 --threads=1 --seed=7 --epochs=12 "
          "--validation-split=.1 --dropout=.2").split()
# As they were typed then.
RUNS = {
    "lstm-adamw": "--cell=lstm --optimizer=adamw --lr=.02 --weight-decay=.1 --schedule=cosine --warmup=5 --clip=.5 "
                  "--average=.9 --calibrate --reset=.25",
    "gru-sgd": "--cell=gru --optimizer=sgd --momentum=.9 --lr=.5 --schedule=plateau --plateau-factor=.5 --clip=2 "
               "--average=0 --no-calibrate --reset=0 --weight-decay=0",
}


def named_as_then(path):
    """The tensors, under the names of f39ebe3: since then those of a GRU that PyTorch does not have say so."""
    header, data = tensors(path)
    return {name.replace("rnn.gru.", "rnn."): entry for name, entry in header.items()}, data


@pytest.fixture(scope="module")
def play(tmp_path_factory):
    path = tmp_path_factory.mktemp("play") / "play.txt"
    path.write_bytes((ROOT / "tests/goldens/shakespeare.txt").read_bytes()[:3000])
    return path


@pytest.mark.parametrize("target", ["avx2", "sse4"])
@pytest.mark.parametrize("run", RUNS)
def test_a_checkpoint_resumes(play, tmp_path, run, target):
    if not has_target(target.upper()):
        pytest.skip(f"this machine has no {target}")
    checkpoint, model = tmp_path / "checkpoint", tmp_path / "m.safetensors"
    shutil.copy(EARLIER / f"{run}.checkpoint", checkpoint)
    _, err = sluice("train", play, "-o", model, *SHARED, *RUNS[run].split(), "--resume", "--checkpoint", checkpoint,
                    env={"SLUICE_TARGET": target.upper()})
    assert "does not say on which instruction set" in err
    assert named_as_then(model) == named_as_then(EARLIER / f"{run}.{target}.safetensors")


@pytest.mark.parametrize("run", RUNS)
def test_a_model_loads(run):
    path = EARLIER / f"{run}.avx2.safetensors"
    trained = sluice_json("info", path)["notes"]["trained"]
    assert trained["options"]["batch"] == 3 and trained["options"]["seed"] == 7
    assert sluice_json("complete", path, "First Citizen", "--top", "3")
