"""The microphone panel: samples and files become predictions, what is kept joins the training set, names are text."""

import io

import numpy as np
import pytest
from browser import notebook_page
from scipy.io import wavfile

import hackbook as hb
from hackbook.speech import loudest_part, Recorder

HOSTILE = ['<img src=x onerror="window.hacked=1">', "</script><script>window.hacked=2</script>"]


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.speech.spoken_words(voices=4, repeats=3, seed=1), validation=0.25, test=0.25)


@pytest.fixture(scope="module")
def run(splits, tmp_path_factory):
    hb.set_seed(0)
    return hb.fit(hb.models.sound(splits, augment=0.0), splits, epochs=6, to=tmp_path_factory.mktemp("runs"))


def wav(samples, rate):
    buffer = io.BytesIO()
    wavfile.write(buffer, rate, samples)
    return buffer.getvalue()


def test_a_recording_is_heard_as_its_word_alone(run, splits):
    recorder = Recorder(run)
    for x in splits.train.x[:5]:
        late = np.r_[np.zeros(9000, "int16"), x]
        assert (loudest_part(late, len(x)) != 0).mean() > 0.5
        assert recorder.hear(late, 8000).outputs.shape == (1, 10)
        assert np.array_equal(recorder.hear(x, 8000).outputs, run.predict(x[None]).outputs)


@pytest.mark.parametrize("samples, rate, says", [
    (np.zeros((9, 2)), 8000, "samples of one channel"), (np.array(["x"]), 8000, "samples of one channel"), (np.ones(9), 0, "sample_rate must be"), (np.ones(9), 8000.5, "sample_rate must be"),
    (np.ones(9), 500, "record again"), (np.full(99, np.inf), 8000, "NaN or infinite"), (np.zeros(0), 8000, "no samples"), (np.zeros(99), 8000, "muted")])
def test_what_is_no_recording_is_refused(run, samples, rate, says):
    recorder = Recorder(run)
    with pytest.raises(hb.InvalidValue, match=says):
        recorder.hear(samples, rate)
    recorder.view
    recorder._told({"rate": rate}, [np.asarray(samples, "<f4").ravel().tobytes() if samples.dtype.kind == "f" else b"123"])
    assert recorder.view.page["trouble"] or samples.ndim == 2


def test_what_was_kept_is_trained_on(run, splits):
    recorder = Recorder(run)
    with pytest.raises(hb.InvalidValue, match="hear one first"):
        recorder.keep("ah")
    for x in splits.validation.x[:3]:
        recorder.hear(x, 8000)
        recorder.keep("oy")
    mine = recorder.added_to(splits)
    assert len(mine.train) == len(splits.train) + 3 and mine.train.groups[-1] == "you" and mine.validation is splits.validation
    assert (mine.train.y[-3:] == splits.class_names.index("oy")).all()
    with pytest.raises(hb.InvalidValue, match="those on which the run was trained"):
        recorder.added_to(hb.split(hb.data.digits()))


def test_only_runs_on_sounds(run):
    with pytest.raises(hb.InvalidValue, match="sounds with classes"):
        Recorder(hb.Run(run.model, run.history, {"data": {"input": {"kind": "text", "shape": []}, "classes": ["a"]}}))


CELL = """
import hackbook as hb
run = hb.load_run({folder!r})
run.record['data']['classes'] = {names!r}
recorder = hb.speech.Recorder(run)
recorder"""


def test_a_file_is_heard_and_kept_in_jupyterlab(run, splits, tmp_path):
    names = [*splits.class_names[:8], *HOSTILE]
    sound = np.repeat(splits.train.x[0], 2)
    said = names[int(run.predict(splits.train.x[:1]).probabilities.argmax())]
    with notebook_page(tmp_path, [CELL.format(folder=str(run.folder), names=names)]) as page:
        page.wait_for_selector(".hackbook-recorder button", timeout=120_000)
        panel = page.locator(".hackbook-recorder")
        panel.scroll_into_view_if_needed()
        panel.locator("input[type=file]").set_input_files({"name": "it.wav", "mimeType": "audio/wav", "buffer": wav(sound, 16000)})
        page.wait_for_function("document.querySelector('.hackbook-recorder .guess').textContent !== ''", timeout=60_000)
        assert panel.locator(".guess").inner_text()[:12] == said[:12]
        panel.get_by_role("button", name="Keep as").click()
        page.wait_for_function("document.querySelector('.hackbook-recorder').textContent.includes('1 kept for training')", timeout=30_000)
        panel.locator("input[type=file]").set_input_files({"name": "it.wav", "mimeType": "audio/wav", "buffer": b"no sound"})
        page.wait_for_function("document.querySelector('.hackbook-recorder .problem').textContent.includes('cannot read this')", timeout=30_000)
        assert page.evaluate("window.hacked") is None and panel.locator("img, script").count() == 0
        assert page.evaluate("document.querySelector('.hackbook-recorder').scrollWidth <= document.querySelector('.hackbook-recorder').clientWidth + 1")
        assert page.errors == []


def test_the_microphone_is_recorded_and_let_go(run, splits, tmp_path):
    with notebook_page(tmp_path, [CELL.format(folder=str(run.folder), names=splits.class_names)], microphone=True) as page:
        page.wait_for_selector(".hackbook-recorder button", timeout=120_000)
        panel = page.locator(".hackbook-recorder")
        page.evaluate("() => { const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices); navigator.mediaDevices.getUserMedia = async (o) => (window.stream = await ask(o)); }")
        for _ in range(2):
            panel.get_by_role("button", name="Record").click()
            panel.get_by_role("button", name="Stop").wait_for()
            page.wait_for_timeout(1200)   # the device beeps once a second
            turn = panel.get_attribute("data-turn")
            panel.get_by_role("button", name="Stop").click()
            page.wait_for_function("(turn) => document.querySelector('.hackbook-recorder').dataset.turn !== turn", arg=turn, timeout=30_000)
            assert panel.locator(".guess").inner_text() != "" and panel.locator(".problem").inner_text() == ""
            assert page.evaluate("window.stream.getTracks().every((track) => track.readyState === 'ended')")
        assert page.errors == []
