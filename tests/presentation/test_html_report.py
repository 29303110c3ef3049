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
