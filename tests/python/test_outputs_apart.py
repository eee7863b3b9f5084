"""A file that a command writes is none of those that it reads or writes otherwise."""

from conftest import TINY, refused, sluice, small_text


def test_training_overwrites_none_of_its_own_files(tmp_path):
    text, path = tmp_path / "text.txt", tmp_path / "m.safetensors"
    text.write_text(small_text())
    apart = ["no other use"]
    for wrong in (["-o", text], ["-o", path, "--log", path], ["-o", path, f"--log={text}"], ["-o", path, "--checkpoint", text],
                  ["-o", path, "--checkpoint", path], ["-o", path, "--log", f"{path}.checkpoint"],
                  ["-o", path, "--svg", tmp_path / "." / "text.txt"]):
        refused("train", text, *wrong, *TINY, "--force", code=2, names=apart)
        assert text.read_text() == small_text() and not path.exists()
    # The lock of one of them, which goes away at the end.
    for lock in ("m.safetensors.lock", "m.safetensors.checkpoint.lock"):
        refused("train", text, "-o", path, *TINY, "--force", "--log", tmp_path / lock, code=2,
                names=["--log", lock])
    # A checkpoint that nobody named, over a text.
    other = tmp_path / "m.safetensors.checkpoint"
    other.write_text(small_text())
    refused("train", other, "-o", path, *TINY, "--force", code=2, names=[*apart, "FILE"])
    other.unlink()
    # Whichever way flags are written, and behind the flags.
    for wrong in ([f"-o{text}"], [f"--output={text}"], ["--log", path, f"-o{path}"]):
        refused("train", *wrong, *TINY, "--force", "--", text, code=2, names=apart)
        assert text.read_text() == small_text() and not path.exists()
    # Named once each, and a model that goes on in its own file.
    sluice("train", text, "-o", path, *TINY, "--checkpoint", f"{path}.checkpoint", "--log", tmp_path / "log")
    before = path.read_bytes()
    sluice("train", text, "-o", path, "--from", path, "--epochs=1", "--force", "-q")
    assert path.read_bytes() != before
    refused("train", text, "-o", tmp_path / "n", "--from", path, "--log", path, "--force", code=2, names=[*apart, "--from"])


def test_pictures_and_exports_do_not_replace_the_model(tmp_path):
    text, path = tmp_path / "text.txt", tmp_path / "m.safetensors"
    text.write_text(small_text())
    sluice("train", text, "-o", path, *TINY)
    before = path.read_bytes()
    (tmp_path / "link").symlink_to(path)
    refused("info", path, "--svg", path, "--force", code=2, names=["no other use"])
    refused("info", path, "--svg", tmp_path / "link", "--force", code=2, names=["no other use"])
    refused("gates", path, "Ada likes", "--svg", path, "--force", code=2, names=["no other use"])
    refused("explain", path, "Ada likes", "--html", path, "--force", code=2, names=["no other use"])
    refused("export", path, "--to", "c", "-o", path, "--force", code=2, names=["no other use"])
    assert path.read_bytes() == before
    refused("eval", path, text, "--training", text, "--svg", text, "--force", code=2, names=["no other use", "FILE"])
    refused("compare", text, "--html", text, "--force", code=2, names=["no other use", "FILE"])
    refused("compare", text, "--html", tmp_path / "a", "--svg", tmp_path / "a", code=2, names=["no other use"])
    refused("import", path, "-o", path, "--force", code=2, names=["no other use", "FILE"])
    refused("export", path, "--to", "c", "-o", tmp_path / "a", "--header", tmp_path / "a", code=2, names=["no other use"])
    refused("demo", "-o", tmp_path, "--svg", tmp_path / "lstm.safetensors", code=2, names=["no other use", "--svg"])
    assert path.read_bytes() == before and text.read_text() == small_text()


def test_a_text_that_is_called_as_a_file_is_no_file(models, tmp_path):
    picture = tmp_path / "Ada"
    for verb in ("gates", "explain"):
        sluice(verb, models["gru"], picture, "--svg", picture, "--force")
    assert picture.read_text().startswith("<svg")


def test_a_state_may_be_replaced_by_the_next(tmp_path):
    table, path, state = (tmp_path / name for name in ("t.csv", "m", "state.csv"))
    table.write_text("t,x\n" + "".join(f"{t},{t % 7}\n" for t in range(90)))
    sluice("train", table, "-o", path, "--time=t", "--horizon=3", "--hidden=4", "--epochs=1", "--threads=1", "-q")
    sluice("predict", path, table, "--state-out", state)
    head = tmp_path / "head.csv"
    head.write_text("t,x\n90,6\n")
    refused("predict", path, head, "--state-in", state, "--svg", state, "--force", code=2, names=["no other use", "--state-in"])
    refused("predict", path, table, "--state-out", table, "--force", code=2, names=["no other use", "FILE"])
    sluice("predict", path, head, "--state-in", state, "--state-out", state, "--force")
    assert "\n90," in state.read_text()
