"""Anomaly detectors hold their promise, score as scikit-learn does, and refuse what would make them look better than they are."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

import hackbook as hb
from hackbook.autoencoders import AnomalyDetector, anomaly_detector, compare_detectors, leave_out, pca_detector


def trained(splits):
    examples = hb.data.reconstruct(splits)
    hb.set_seed(0)
    return hb.fit(hb.models.autoencoder(examples, code=2, units=(16,)), examples, epochs=8, learning_rate=.01, seed=0, to=None)


@pytest.fixture(scope="module")
def rows():
    """Two classes: the normal one lies near a plane of 6 columns, the other does not."""
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(400, 2)) @ rng.normal(size=(2, 6)) + .3 * rng.normal(size=(400, 6))
    x = np.concatenate([plane, 1.2 * rng.normal(size=(100, 6))])
    table = pd.DataFrame(x, columns=list("abcdef"))
    return hb.split(hb.data.Dataset(table, ["usual"] * 400 + ["strange"] * 100, name="rows"), validation=.2, test=.3)


@pytest.fixture(scope="module")
def normal(rows):
    return leave_out(rows, "strange")


@pytest.fixture(scope="module")
def run(normal):
    return trained(normal)


@pytest.fixture(scope="module")
def found(run, normal):
    """On a copy of the test part, so that its seal is that of no other test."""
    return compare_detectors(run, normal, normal.test.data, "strange")


@pytest.mark.parametrize("n, rate", [(19, .05), (60, .05), (30, .1), (9, .25)])
def test_false_alarms_are_as_promised_over_many_draws(n, rate):
    """Exchangeable scores: the rate lies between the promise less 1 / (n + 1) and the promise."""
    rng = np.random.default_rng(0)
    rates = []
    for _ in range(4000):
        scores = rng.exponential(size=n + 1)
        detector = AnomalyDetector("it", np.asarray, scores[:n], rate)
        rates.append(detector.predict(scores[n:]).mean())
    error = 3 * (rate / 4000) ** .5
    assert rate - 1 / (n + 1) - error < np.mean(rates) < rate + error


def test_equal_scores_raise_no_alarm():
    assert not AnomalyDetector("it", np.asarray, np.ones(50), .05).predict(np.ones(9)).any()


@pytest.mark.parametrize("rate, needed", [(.05, 19), (.1, 9), (.01, 99), (.5, 1), (1 / 3, 2)])
def test_a_rate_needs_enough_validation_examples(rate, needed):
    AnomalyDetector("it", np.asarray, np.arange(needed), rate)
    with pytest.raises(hb.HackbookError, match=f"{needed:,} examples or more" if needed > 1 else "examples or more"):
        AnomalyDetector("it", np.asarray, np.arange(needed - 1), rate)


@pytest.mark.parametrize("rate", [0, 1, -.1, 1.5, np.nan, "5%", True, None])
def test_a_rate_is_between_0_and_1(rate, run, normal):
    with pytest.raises(hb.HackbookError, match="false_alarms must be between 0 and 1"):
        anomaly_detector(run, normal, rate)


def test_classes_are_left_out_of_train_and_validation_alone(rows, normal):
    assert normal.test is rows.test and set(rows.test.data.y) == {0, 1}
    strange = rows.class_names.index("strange")
    assert strange not in normal.train.y and strange not in normal.validation.y
    assert len(normal.train) == (rows.train.y != strange).sum()
    pictures = leave_out(hb.data.reconstruct(rows), "strange")
    assert pictures.train.fingerprint != hb.data.reconstruct(rows).train.fingerprint and len(pictures.train) == len(normal.train)


def test_left_out_names_are_those_of_classes(rows):
    for names in ((), ("odd",), ("usual", "strange"), (3,)):
        with pytest.raises(hb.HackbookError, match="names must be"):
            leave_out(rows, *names)
    numbers = hb.split(hb.data.Dataset(rows.train.x, np.arange(len(rows.train)), task="regression"))
    with pytest.raises(hb.HackbookError, match="with classes"):
        leave_out(numbers, "strange")
    with pytest.raises(hb.HackbookError, match="must be Splits"):
        leave_out(rows.train, "strange")


def test_the_score_is_the_error_of_the_reconstruction(run, normal):
    detector = anomaly_detector(run, normal)
    examples = hb.data.reconstruct(normal).validation
    rebuilt = run.model.predict(np.asarray(examples.x, "float32"), verbose=0)
    np.testing.assert_allclose(detector.score(normal.validation), hb.data.squared_errors(examples.y, rebuilt), rtol=1e-4)
    np.testing.assert_allclose(detector.score(examples), detector.score(normal.validation.x), rtol=1e-5)
    assert detector.predict(normal.validation).mean() <= .05


def test_pca_is_scikit_learns(run, normal):
    examples = hb.data.reconstruct(normal)
    pca = PCA(2).fit(examples.train.y)
    y = examples.validation.y
    error = np.square(pca.inverse_transform(pca.transform(y)) - y).mean(axis=1)
    np.testing.assert_allclose(pca_detector(run, normal).score(normal.validation), error, rtol=1e-3)


def test_areas_are_scikit_learns_and_intervals_contain_the_scores(found):
    for name, row in found.frame.iterrows():
        assert row.roc_auc == pytest.approx(roc_auc_score(found.anomalous, found.scores[name]), abs=1e-9)
        called = found.scores[name] > found.detectors[name].threshold
        assert row.false_alarms == pytest.approx(called[~found.anomalous].mean())
        assert row.detected == pytest.approx(called[found.anomalous].mean())
        for what in ("false_alarms", "detected"):
            assert (row[f"{what}_low"], row[f"{what}_high"]) == pytest.approx(
                hb.evaluation.wilson(int(called[found.anomalous == (what == "detected")].sum()), int((found.anomalous == (what == "detected")).sum())))
            assert row[f"{what}_low"] <= row[what] <= row[f"{what}_high"]
        assert row.low <= row.roc_auc <= row.high and row.ahead_low <= row.ahead <= row.ahead_high
    best = found.frame.roc_auc.iloc[0] - found.frame.roc_auc.iloc[1]
    assert found.frame.ahead.iloc[0] == pytest.approx(best) and found.frame.ahead.iloc[1] == pytest.approx(-best)


def test_the_sentence_says_what_the_interval_says(found):
    first, second = found.frame.index[:2]
    sure = found.frame.ahead_low.iloc[0] > 0
    assert found.sentence.startswith(f"{first} ranks anomalies better than {second}" if sure else f"These examples cannot tell {first} from {second}")
    assert "autoencoder" in found._repr_html_() and "DetectorComparison(" in repr(found)


def test_the_order_of_examples_changes_nothing(run, normal, found):
    order = np.random.default_rng(1).permutation(len(found.data))
    again = compare_detectors(run, normal, found.data.take(order), found.anomalous[order])
    scores = ["roc_auc", "false_alarms", "detected", "ahead"]
    pd.testing.assert_frame_equal(again.frame[scores], found.frame[scores], rtol=1e-4)


def test_reconstructions_and_marks_say_the_same(run, normal, found):
    pictures = hb.data.reconstruct(normal)
    again = compare_detectors(run, pictures, pictures.test.data, found.anomalous)
    pd.testing.assert_frame_equal(again.frame, found.frame)


def test_the_seal_is_opened_and_recorded_once(run, normal):
    fresh = hb.data.Splits(normal.train, normal.validation, normal.test.data)
    for wrong in (dict(anomalous="odd"), dict(anomalous=[True]), dict(anomalous="strange", false_alarms=2), dict(anomalous="strange", confidence=1)):
        with pytest.raises(hb.HackbookError):
            compare_detectors(run, fresh, fresh.test, reason="too early", **wrong)
    with pytest.raises(hb.HackbookError, match="reason must be"):
        compare_detectors(run, fresh, fresh.test, "strange")
    assert fresh.test.openings == [] and "openings" not in run.record
    compare_detectors(run, fresh, fresh.test, "strange", reason="are they found?")
    assert [o["reason"] for o in fresh.test.openings] == ["are they found?"] == [o["reason"] for o in run.record["openings"]]


def test_what_would_be_too_good_is_refused(run, rows, normal):
    with pytest.raises(hb.HackbookError, match="left out of training"):
        compare_detectors(run, rows, rows.test, "strange", reason="no")
    with pytest.raises(hb.HackbookError, match="neither training nor the threshold has seen"):
        compare_detectors(run, normal, rows.validation, "strange")
    for anomalous in (np.zeros(len(rows.validation), bool), np.ones(len(rows.validation)), np.arange(len(rows.validation)), [[1], [1, 2]], np.ones((3, 3)), None, [np.nan] * len(rows.validation)):
        with pytest.raises(hb.HackbookError, match="(anomalous|names) must be"):
            compare_detectors(run, normal, rows.validation, anomalous)
    with pytest.raises(hb.HackbookError, match="a Dataset, or a part of Splits"):
        compare_detectors(run, normal, rows.test.data.x, "strange")
    with pytest.raises(hb.HackbookError, match="x must be"):
        anomaly_detector(run, normal).predict(np.ones((3, 5)))
    assert rows.test.openings == []


def test_a_run_on_labels_detects_nothing(rows):
    classifier = hb.fit(hb.models.mlp(rows, units=(4,)), rows, epochs=1, to=None)
    with pytest.raises(hb.HackbookError, match="reconstruct"):
        anomaly_detector(classifier, rows)


def test_rates_of_groups_are_wider(run, normal):
    """Groups are drawn whole: ten copies of each example tell no more than one."""
    d = normal.test.data
    copies = np.repeat(np.arange(len(d)), 10)
    single = compare_detectors(run, normal, d, "strange").frame
    x = d.take(copies)
    x.groups = copies
    grouped = compare_detectors(run, normal, x, "strange").frame
    width = lambda frame: (frame.high - frame.low)["PCA"]
    assert width(grouped) == pytest.approx(width(single), rel=.3)


def test_pictures_of_the_comparison(found):
    assert len(found.plot().axes[0].lines) == 7
    assert found.plot_errors("PCA").axes[0].get_xlabel() == "score of PCA"
    with pytest.raises(hb.HackbookError, match="name must be"):
        found.plot_errors("forest")
