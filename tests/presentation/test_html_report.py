"""The page of the jury has the field's headings, and a Report says in one line what was written."""

import re

import numpy as np
import pytest

import hackbook as hb


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    hb.set_seed(0)
    splits = hb.split(hb.data.digits().take(np.arange(300)))
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=1, to=None)
    return hb.report(run, hb.evaluate(run, splits.validation), tmp_path_factory.mktemp("jury") / "report.html")


def test_repr_is_one_line_without_data(written):
    accuracy, count = written.summary["accuracy"], written.summary["examples"]
    assert repr(written) == f"Report(report.html on {written.summary['data']}: accuracy {accuracy:.4f}, {count} examples)"
    assert "fingerprint" not in repr(written) and "\n" not in repr(written)


def test_headings(written):
    page = written.path.read_text(encoding="utf-8")
    assert re.findall("<h2>(.*?)</h2>", page) == ["Learning curves", "Confusion matrix", "Most confident errors", "Reproducibility"]
    assert "test set opened" not in page  # the validation part was evaluated


def test_the_page_of_a_regression(tmp_path):
    data = hb.data.digits().take(np.arange(200))
    data = hb.Dataset(data.x, data.x.mean(axis=(1, 2)), name="ink", task="regression")
    splits = hb.Problem("How much ink?", "regression", "mae", unit="levels").split(data)
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=1, to=None)
    result = hb.evaluate(run, splits.validation)
    written = hb.report(run, result, tmp_path / "report.html")
    page = written.path.read_text(encoding="utf-8")
    assert re.findall("<h2>(.*?)</h2>", page) == ["Learning curves", "Predicted and true values", "Residuals", "Largest errors", "Reproducibility"]
    assert f"{result.mae:.4g} levels</p>" in page and "accuracy" not in page and page.count("data:image/png") == 4
    assert written.summary["mae"] == result.mae and written.summary["metric"] == "mae" and "rmse" in written.summary
    assert repr(written) == f"Report(report.html on ink validation: mae {result.mae:.4f}, 30 examples)"


def test_errors_of_a_table_are_a_table_on_the_page(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 2)).astype("float32")
    data = hb.Dataset(x, (x.sum(axis=1) > 0).astype(int), ["<lo>", "hi"], features=["<b>km</b>", "h"])
    splits = hb.split(data)
    import keras

    hb.set_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, "softmax")])
    run = hb.fit(model, splits, epochs=1, learning_rate=1e-6, to=None)
    result = hb.evaluate(run, splits.train)
    page = hb.report(run, result, tmp_path / "report.html").path.read_text(encoding="utf-8")
    assert (~result.right).any() and "probability_of_true" in page and "&lt;lo&gt;" in page and "<lo>" not in page


def test_only_an_evaluation_is_reported(written):
    with pytest.raises(hb.InvalidValue, match="result must be an Evaluation"):
        hb.report(None, 0.98)


def test_what_does_not_belong_to_the_run_is_refused(tmp_path):
    import keras

    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2)).astype("float32")
    y = (x[:, 0] > 0).astype(int)
    splits, flipped = hb.split(hb.Dataset(x, y)), hb.split(hb.Dataset(x, 1 - y))

    def trained(seed):
        hb.set_seed(seed)
        return hb.fit(keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, "softmax")]), splits, epochs=1, to=None)

    run, other = trained(0), trained(1)
    result = hb.evaluate(run, splits.validation)
    to = tmp_path / "page" / "report.html"
    with pytest.raises(hb.InvalidValue, match="this run's own"):
        hb.report(other, result, to)
    with pytest.raises(hb.InvalidValue, match="splits must be those that this run learned from"):
        hb.report(run, result, to, splits=flipped)
    with pytest.raises(hb.InvalidValue, match="result must be on a part of these splits"):
        hb.presentation.beside_baselines(result, flipped)
    assert not to.parent.exists()
    assert "Beside simple predictions" in hb.report(run, result, to, splits=splits).path.read_text(encoding="utf-8")


@pytest.mark.parametrize("wrong, words", [({"to": 5}, "to must be a file name that ends in .html, got 5"), ({"to": None}, "got None"), ({"title": 5}, "title must be a text, got 5"),
                                          ({"title": None}, "title must be a text, got None")], ids=str)
def test_a_name_and_a_title_are_texts(wrong, words, tmp_path):
    with pytest.raises(hb.InvalidValue, match=words + ".*; try"):
        hb.report(None, None, **{"to": tmp_path / "report.html"} | wrong)
