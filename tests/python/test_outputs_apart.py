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
    # Named once each, and a model that goes on in its own file.
    sluice("train", text, "-o", path, *TINY, "--checkpoint", f"{path}.checkpoint", "--log", tmp_path / "log")
    before = path.read_bytes()
    sluice("train", text, "-o", path, "--from", path, "--epochs=1", "--force", "-q")
    assert path.read_bytes() != before


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
