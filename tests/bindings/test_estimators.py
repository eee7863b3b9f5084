"""Estimators by scikit-learn's rules; some of them also where it is not there."""

import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import sluice
from conftest import small_text, waves
from sluice import AnomalyDetector, Forecaster, LanguageModel, SequenceClassifier, SequenceTagger

QUICK = {"hidden": 8, "epochs": 20, "at": "mean", "dropout": 0.3, "random_state": 0, "threads": 1}

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is not installed")
from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

_OF_TIME = {
    "check_fit1d": "one column is a table, too",
    "check_methods_sample_order_invariance": "rows are in the order of time: what comes before one says what is expected",
    "check_methods_subset_invariance": "the same: a row alone has none before it",
}
EXPECTED_FAILURES = {
    SequenceClassifier: {
        "check_sample_weight_equivalence_on_dense_data":
            "stochastic gradient descent: a sequence that is there twice is in two batches, one that counts twice in one",
    },
    AnomalyDetector: _OF_TIME,
    Forecaster: _OF_TIME | {
        "check_estimators_pickle": "predict gives a table, which cannot be subtracted from another",
        "check_fit_idempotent": "the same",
    },
}
OF_TABLES = {"lookback": 4, "hidden": 4, "epochs": 1, "random_state": 0, "threads": 1}


# Small and with constant steps, since the checks ask for good results on data of a few rows.
@parametrize_with_checks(
    [SequenceClassifier(hidden=16, epochs=60, random_state=0, dropout=0.0, ema_decay=0.0, threads=1),
     LanguageModel(random_state=0), SequenceTagger(random_state=0), Forecaster(horizon=2, **OF_TABLES),
     AnomalyDetector(threshold=2.0, **OF_TABLES)],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES.get(type(estimator), {}))
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_a_classifier_learns_and_generalises():
    X, y = waves(60)
    classifier = SequenceClassifier(**QUICK).fit(X, y)
    assert classifier.score(*waves(60, seed=1)) == 1.0
    assert classifier.n_features_in_ == 40 and classifier.classes_.tolist() == [0, 1]
    p = classifier.predict_proba(X)
    assert p.shape == (60, 2) and np.allclose(p.sum(axis=1), 1, atol=1e-5)
    assert classifier.result_["epochs"] == 20


def test_cross_validation_pipelines_and_searches():
    X, y = waves(40)
    classifier = SequenceClassifier(**{**QUICK, "epochs": 100})
    assert cross_val_score(make_pipeline(StandardScaler(), classifier), X, y, cv=3).mean() > 0.9
    found = GridSearchCV(SequenceClassifier(**QUICK), {"cell": ["gru", "lstm"]}, cv=2).fit(X, y)
    assert found.best_params_["cell"] in ("gru", "lstm")


def test_the_same_sequences_in_every_form_give_the_same_bits():
    X, y = waves(20)
    expected = SequenceClassifier(**QUICK).fit(X, y).predict_proba(X)
    three = X[:, :, None]
    for form in (three, [row for row in X], [row[:, None] for row in three[:, :, 0]], three.astype(np.float32), X.tolist()):
        assert np.array_equal(SequenceClassifier(**QUICK).fit(form, y).predict_proba(form), expected)


def test_lists_of_unequal_length_and_several_channels():
    X, y = waves(40)
    ragged = [np.stack([row, row**2], axis=1)[: 20 + i % 20] for i, row in enumerate(X)]
    classifier = SequenceClassifier(**QUICK).fit(ragged, y)
    assert classifier.n_features_in_ == 2 and classifier.score(ragged, y) > 0.9
    alone = classifier.predict_proba([ragged[3]])
    assert np.array_equal(alone[0], classifier.predict_proba(ragged)[3])
    for wrong in ([row[:, :1] for row in ragged], [ragged[0], ragged[1][:0]], [], [[["a"]]], X):
        with pytest.raises(ValueError):
            classifier.predict(wrong)
    nan = [row.copy() for row in ragged]
    nan[0][3] = np.nan
    with pytest.raises(ValueError, match="finite"):
        classifier.predict(nan)


def test_the_unit_of_numbers_does_not_matter():
    X, y = waves(20)
    expected = SequenceClassifier(**QUICK).fit(X, y).predict_proba(X)
    for unit in (2.0**-30, 2.0**30):
        assert np.array_equal(SequenceClassifier(**QUICK).fit(X * unit, y).predict_proba(X * unit), expected)


def test_weights_count():
    X, y = waves(20)
    flipped = np.concatenate([y, 1 - y])
    doubled = np.concatenate([X, X])
    weights = np.concatenate([np.ones(20), np.zeros(20)])
    longer = {**QUICK, "epochs": 60}
    classifier = SequenceClassifier(**longer).fit(doubled, flipped, sample_weight=weights)
    assert classifier.score(X, y) > 0.9
    other = SequenceClassifier(**longer).fit(doubled, flipped, sample_weight=1 - weights)
    assert other.score(X, y) < 0.1
    for wrong in (np.zeros(40), -weights, weights[:3], np.full(40, np.nan)):
        with pytest.raises(ValueError, match="sample_weight"):
            SequenceClassifier(**QUICK).fit(doubled, flipped, sample_weight=wrong)


def test_classes_count():
    X, y = waves(40, noise=3)
    few = np.r_[np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:3]]
    plain = SequenceClassifier(**QUICK).fit(X[few], y[few]).predict_proba(X)[:, 1].mean()
    balanced = SequenceClassifier(class_weight="balanced", **QUICK).fit(X[few], y[few]).predict_proba(X)[:, 1].mean()
    by_hand = SequenceClassifier(class_weight={1: 5}, **QUICK).fit(X[few], y[few]).predict_proba(X)[:, 1].mean()
    assert balanced > plain and by_hand > plain
    with pytest.raises(ValueError, match="class_weight"):
        SequenceClassifier(class_weight="even", **QUICK).fit(X, y)


def test_a_pickle_is_small_and_the_same():
    X, y = waves(20)
    classifier = SequenceClassifier(**QUICK).fit(X, y)
    blob = pickle.dumps(classifier)
    assert classifier.model_.to_bytes() in blob
    assert np.array_equal(pickle.loads(blob).predict_proba(X), classifier.predict_proba(X))


def test_random_state_decides_and_threads_do_not():
    X, y = waves(20)

    def fit(**options):
        return SequenceClassifier(**{**QUICK, "epochs": 3, **options}).fit(X, y).predict_proba(X)

    assert np.array_equal(fit(), fit(threads=2))
    assert not np.array_equal(fit(), fit(random_state=1))
    assert np.array_equal(fit(random_state=np.random.RandomState(3)), fit(random_state=np.random.RandomState(3)))
    with pytest.raises(ValueError, match="random_state"):
        fit(random_state="one")


def test_partial_fit_goes_on():
    X, y = waves(40)
    classifier = SequenceClassifier(**QUICK)
    first = classifier.partial_fit(X[:2], y[:2], classes=[0, 1]).score(X, y)
    for _ in range(60):
        classifier.partial_fit(X, y)
    assert classifier.score(X, y) > max(0.9, first)
    with pytest.raises(ValueError, match="found 5"):
        classifier.partial_fit(X, np.full(40, 5))


def test_words_as_classes():
    X, y = waves(20)
    names = np.array(["slow", "fast"])[y]
    assert SequenceClassifier(**QUICK).fit(X, names).score(X, names) == 1.0


@pytest.mark.parametrize("options", [{"cell": "grue"}, {"hidden": 0}, {"direction": "up"}, {"at": "first"},
                                     {"dropout": 1.5}, {"epochs": 0}, {"batch": 0}, {"learning_rate": -1},
                                     {"validation_split": 1.0}, {"layers": 0}, {"threads": 10**6}, {"ema_decay": 2},
                                     {"hidden": "8"}, {"epochs": 1.5}])
def test_wrong_parameters_are_refused_in_fit(options):
    X, y = waves(20)
    with pytest.raises((ValueError, TypeError)):
        SequenceClassifier(**{**QUICK, **options}).fit(X, y)


def test_a_language_model():
    texts = small_text().splitlines()
    language = LanguageModel(hidden=16, epochs=2, batch=4, steps=8, random_state=0, threads=1)
    before = clone(language).set_params(epochs=1).fit(texts).score(texts)
    fitted = language.fit(texts)
    assert fitted.score(texts) > before and fitted.predict(["Ada"]).shape == (1,)
    assert isinstance(fitted.complete("Ada", n=5), str)
    more = clone(language).fit(texts).partial_fit(texts)
    assert more.score(texts) > fitted.score(texts)
    assert pickle.loads(pickle.dumps(fitted)).score(texts) == fitted.score(texts)
    for wrong in ([], [1, 2], [b"bytes"]):
        with pytest.raises(ValueError):
            clone(language).fit(wrong)
    with pytest.raises(ValueError):
        clone(language).score(texts)


def test_a_tagger_of_words_and_of_numbers():
    X = [["the", "dog", "barks"], ["a", "cat", "sleeps", "well"]] * 20
    y = [["DET", "NOUN", "VERB"], ["DET", "NOUN", "VERB", "ADV"]] * 20
    options = {"hidden": 8, "epochs": 100, "random_state": 0, "threads": 1}
    tagger = SequenceTagger(embedding=8, **options).fit(X, y)
    assert tagger.score(X, y) == 1.0 and tagger.classes_.tolist() == ["ADV", "DET", "NOUN", "VERB"]
    assert [tags.tolist() for tags in tagger.predict([["the", "bird", "sleeps"]])][0][0] == "DET"
    assert [p.shape for p in tagger.predict_proba(X[:2])] == [(3, 4), (4, 4)]
    half_wrong = [["DET", "NOUN", "VERB"], ["NOUN"] * 4]
    assert tagger.score(X[:2], half_wrong) == 4 / 7
    assert tagger.score(X[:2], half_wrong, sample_weight=[1, 0]) == 1.0
    assert tagger.score(X[:2], half_wrong, sample_weight=[0, 2]) == 1 / 4
    assert pickle.loads(pickle.dumps(tagger)).score(X, y) == 1.0
    as_arrays = SequenceTagger(embedding=8, **options).fit([np.array(one) for one in X], [np.array(one) for one in y])
    assert np.array_equal(np.concatenate(as_arrays.predict_proba(X)), np.concatenate(tagger.predict_proba(X)))
    numbers = [np.sin(np.arange(5 + i % 3)) for i in range(40)]
    signs = [(one > 0).astype(int) for one in numbers]
    assert SequenceTagger(**options).fit(numbers, signs).score(numbers, signs) > 0.9
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match="dense"):
        SequenceTagger(**options).fit(sparse.eye(3), y)
    for wrong_x, wrong_y in ((X, y[:-1]), ([["the", ""]] * 40, [["DET", "NOUN"]] * 40), (X, [one[:2] for one in y]), (["the dog"], [["DET"]]), ([], []), (X, None)):
        with pytest.raises(ValueError):
            SequenceTagger(**options).fit(wrong_x, wrong_y)
    for weights in ([-1.0] * 40, [np.nan] * 40, [0.0] * 40, [1.0] * 39):
        with pytest.raises(ValueError, match="sample_weight"):
            SequenceTagger(**options).fit(X, y, sample_weight=weights)


def test_forecasts_are_cross_validated_by_time():
    pandas = pytest.importorskip("pandas")
    from sklearn.model_selection import TimeSeriesSplit

    rng = np.random.default_rng(0)
    index = pandas.date_range("2026-01-01", periods=1000, freq="h")
    table = pandas.DataFrame({"load": np.sin(np.arange(1000) * np.pi / 12) + rng.normal(0, 0.1, 1000)}, index=index)
    forecaster = Forecaster(horizon=3, lookback=48, hidden=8, epochs=30, test_split=0.0, random_state=0, threads=1)
    scores = cross_val_score(forecaster, table, cv=TimeSeriesSplit(3))
    assert scores.shape == (3,) and (scores < 0).all() and (scores > -0.5).all()
    assert clone(forecaster).get_params() == forecaster.get_params()


def test_estimators_do_without_scikit_learn():
    script = textwrap.dedent("""
        import sys
        sys.modules["sklearn"] = None
        import numpy as np
        import sluice
        X = np.sin(np.arange(20) * np.where(np.arange(20) % 2, .3, .9)[:, None])
        y = np.arange(20) % 2
        c = sluice.SequenceClassifier(hidden=8, epochs=20, random_state=0).fit(X, y)
        assert c.score(X, y) == 1.0 and c.get_params()["hidden"] == 8
        assert c.set_params(hidden=4).hidden == 4 and "hidden=4" in repr(c)
        for wrong in (X[:, :3], X * 1j):
            try:
                c.predict(wrong)
            except ValueError:
                continue
            raise AssertionError(wrong)
        try:
            sluice.SequenceClassifier().predict(X)
        except ValueError as error:
            assert "not fitted" in str(error)
        table = np.sin(np.arange(200) * .3)
        f = sluice.Forecaster(horizon=2, hidden=4, epochs=1, random_state=0).fit(table)
        assert f.predict(table)["time"].tolist() == [200, 201] and "horizon=2" in repr(f)
        d = sluice.AnomalyDetector(hidden=4, epochs=1, random_state=0)
        assert d.fit_predict(table).shape == (200,)
        assert "sklearn.base" not in sys.modules
    """)
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_command_and_the_classifier_train_the_same_bits(command, tmp_path):
    X, y = waves(30, steps=12)
    X = np.round(X, 3).astype(np.float32)
    lines = ["@problemName Waves", "@timeStamps false", "@univariate true", "@classLabel true 0 1", "@data"]
    lines += [",".join(f"{v:.3f}" for v in row) + f":{label}" for row, label in zip(X, y)]
    (tmp_path / "waves.ts").write_text("\n".join(lines) + "\n")
    subprocess.run([command, "train", tmp_path / "waves.ts", "-o", tmp_path / "m.safetensors", "--hidden=8", "--epochs=3",
                    "--seed=4", "-q"], check=True, capture_output=True)
    fitted = SequenceClassifier(hidden=8, epochs=3, random_state=4).fit(X, y)
    expected = sluice.load(tmp_path / "m.safetensors").state_dict()
    for name, values in fitted.model_.state_dict().items():
        assert values.tobytes() == expected[name].tobytes(), name


VERBS, NOUNS = "walk jump talk cook paint climb".split(), "house river garden letter window teacher".split()


def of_endings():
    """Sentences whose words say by their endings what they are; of some words, each is there once."""
    rng = np.random.default_rng(0)
    X, y = [], []
    for i in range(60):
        verb, noun = VERBS[i % 6], NOUNS[rng.integers(6)]
        X.append(["the", f"{noun}{'x' * (i // 6)}s", f"{verb}{'y' * (i // 6)}ed"])
        y.append(["DET", "NOUN", "VERB"])
        if i % 2:
            X[-1], y[-1] = X[-1][::-1], y[-1][::-1]
    return X, y


@pytest.mark.parametrize("units", [4, 0])
def test_the_command_and_the_tagger_train_the_same_bits(command, tmp_path, units):
    X, y = of_endings()
    sentences = ["".join(f"{word}\t{tag}\n" for word, tag in zip(*pair)) for pair in zip(X, y)]
    (tmp_path / "words.tsv").write_text("\n".join(sentences))
    saved = tmp_path / "m.safetensors"
    subprocess.run([command, "train", tmp_path / "words.tsv", "--task=tag", "-o", saved, "--hidden=8", "--embedding=6",
                    f"--spelling-units={units}", "--spelling-embedding=5", "--spelling-cell=lstm", "--word-dropout=0.2",
                    "--epochs=3", "--seed=4", "-q"], check=True, capture_output=True)
    fitted = SequenceTagger(hidden=8, embedding=6, spelling_units=units, spelling_embedding=5, spelling_cell="lstm",
                            word_dropout=0.2, epochs=3, random_state=4).fit(X, y)
    expected = sluice.load(saved)
    assert fitted.model_.vocabulary == expected.vocabulary and fitted.model_.config == expected.config
    for name, values in fitted.model_.state_dict().items():
        assert values.tobytes() == expected.state_dict()[name].tobytes(), name
    # What Python trained the command reads.
    fitted.model_.save(tmp_path / "python.safetensors")
    found = [subprocess.run([command, "predict", model, tmp_path / "words.tsv"], check=True, capture_output=True).stdout
             for model in (saved, tmp_path / "python.safetensors")]
    assert found[0] == found[1]
    by_python = [tag for tags in fitted.predict(X) for tag in tags]
    assert [line.split("\t")[1] for line in found[0].decode().splitlines() if line] == by_python


def test_a_tagger_spells_words_that_it_never_saw():
    X, y = of_endings()
    options = {"hidden": 8, "embedding": 8, "epochs": 60, "random_state": 0, "threads": 1}
    tagger = SequenceTagger(spelling_units=8, **options).fit(X, y)
    unseen = [["the", "islands", "glimmered"], ["shouted", "bottles", "the"]]
    assert tagger.score(unseen, [["DET", "NOUN", "VERB"], ["VERB", "NOUN", "DET"]]) == 1.0
    assert pickle.loads(pickle.dumps(tagger)).predict(unseen)[0].tolist() == ["DET", "NOUN", "VERB"]
    for wrong in ({"spelling_units": -1}, {"spelling_units": 1.5}, {"spelling_cell": "grue"}, {"word_dropout": 2}):
        with pytest.raises((ValueError, TypeError)):
            SequenceTagger(**{**options, **wrong}).fit(X, y)
