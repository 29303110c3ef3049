"""hackbook: live-tunable neural networks for AI hackathons, taught in Jupyter notebooks."""

__version__ = "0.1.0"

from ._names import lazily
from ._quiet import listen

# what dir(hb) and <TAB> show: what a person needs on the way from files to a deck. Everything else is there, too
WAY = """Problem data series detection speech inspect relabel clean split check_leakage augment features compare_features models preflight
find_lr fit Live Space tune load_run list_runs compare_runs load_study evaluate compare_results explain experiments cases autoencoders drawings
report present model_card submission demo export set_seed HackbookError""".split()

# what people try by the names of other libraries
INSTEAD = {
    "predict": "run.predict(x), of what hb.fit or hb.load_run(folder) returns",
    "load": "hb.load_run(folder), or hb.data.table, hb.data.images for files",
    "save": "run.save(), or hb.fit(..., to='runs')",
    "load_model": "hb.load_run(folder).model",
    "save_model": "run.save(), or hb.export(run)",
    "read_csv": "hb.data.table('file.csv', 'the column to predict')",
    "csv": "hb.data.table('file.csv', 'the column to predict')",
    "load_data": "hb.data.table('file.csv', 'the column to predict') or hb.data.images('folder')",
    "images": "hb.data.images('folder')",
    "cross_validate": "hb.compare_features(splits, features)",
    "cross_val_score": "hb.compare_features(splits, features)",
    "train": "hb.fit(model, splits)",
    "train_test_split": "hb.split(data)",
    "test": "hb.evaluate(run, splits.test, reason='the final score')",
    "score": "hb.evaluate(run, splits.validation)",
    "accuracy": "hb.evaluate(run, splits.validation)",
    "confusion_matrix": "hb.evaluate(run, splits.validation).plot_confusion()",
    "plot": "run.plot(), splits.train.plot() or result.plot_confusion()",
    "optimize": "hb.tune(build, splits)",
    "search_space": "hb.Space",
}

__getattr__, __dir__, __all__ = lazily(__name__, __file__, WAY, INSTEAD)

listen()
