"""Words that must not come back: each stands with the field's own. `python tests/test_words.py nbs/library/data` lists what it finds."""

import re
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import NOTEBOOKS, ROOT

THINGS = ("answer|axis|bar|batch|block|branch|cell|change|channel|check|class|code|color|column|component|core|curve|cut|day|detail|digit|dot|"
          "epoch|example|feature|file|filter|finding|fold|folder|graph|group|hour|hyperparameter|image|item|kernel|kind|label|layer|leak|line|"
          "machine|message|metric|minute|moment|month|move|name|neighbor|network|node|notebook|package|page|pair|panel|part|person|picture|"
          "pixel|place|point|process|question|recording|refresh|room|rule|run|sample|scan|score|season|second|seed|series|set|setting|side|"
          "slice|slider|sound|split|step|task|text|thing|training|trial|unit|update|user|value|way|weight|word|worker|year")
COUNTED = ("accuracy|answer|array|axis|bar|batches|bits|branch|bytes|cell|characters?|classes|color|columns?|copies|count|curve|dates?|days|"
           "decision|digits|dimensions?|dots?|entry|entries|epochs?|examples?|fact|figure|files?|fingerprint|fit|folder|function|gradient|"
           "histogram|history|image|interval|key|labels?|layers?|lines?|list|loss|losses|mark|mean|message|metric|ms|names?|numbers?|one|page|"
           "part|people|picture|pixels|points?|probability|process|rates?|reason|records?|rows?|runs?|samples|scans?|scores?|seconds|sentence|"
           "slider|steps|strength|task|text|time|times|token|trainings?|trials?|values?|variables?|weights?|words?|zeros")
WORDS = {  # pattern: what to write in its place
    r"\btrainings\b": "training runs",
    r"\b(a|an|one|each|every|another|no|long|short|whole) training(?=[.,;:)]| (is|was|has|that|which|of|in|with|to|and|or|goes|ends|takes|"
    r"begins|may|can|under|at|by|for|on)\b)": "a training run, training",
    r"\bby heart\b": "memorize, overfit",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\bno numbers? any more\b": "NaN or infinite",
    r"\b(is|are|was|were|be|became|becomes) no numbers?\b": "NaN or infinite, not a number",
    r"\bshare right\b": "accuracy",
    r"\bmean distance\b": "mean absolute error",
    r"\bbrakes?\b": "regularization",
    r"\bflatter(s|y|ed|ing)?\b": "optimism, optimistic",
    r"\bknobs?\b": "hyperparameter, slider",
    r"\bpilots?\b": "session",
    r"\bhandful\b": "small batch",
    r"\bdrills?\b": "training check",
    r"\bdoubts\b": "label issues",
    r"\bnear copies\b": "near-duplicates",
    r"\bdice\b": "random state",
    r"\bcrew\b": "workers",
    r"\bspread\b(?= of (a |the )?(seed|score))": "standard deviation",
    rf"\b(?!(?:times? a (?:second|minute|hour|day)|runs? a notebook)\b)({COUNTED}) an? ({THINGS})\b": "per: one row per class",
    r"(?i)\b\w*(colour|grey|neighbour|optimiser|normalis|regularis|behaviour)\w*": "American spelling, as Keras'",
}
ON_PURPOSE = {  # file name: what may stand there, and why
    "CHANGELOG.md": r"^\| `",  # the table of old and new names
}


def lines(path):
    """What a reader sees of a file: of notebooks the sources, not the outputs."""
    if path.suffix == ".ipynb":
        return [line for c in nbformat.read(path, as_version=4).cells for line in c.source.splitlines()]
    return path.read_text(encoding="utf-8").splitlines()


def found(path):
    """(line, the word, what to write) for each word that must not come back."""
    purpose = ON_PURPOSE.get(path.name)
    return [(line.strip(), match[0], better) for line in lines(path) if not (purpose and re.search(purpose, line))
            for word, better in WORDS.items() for match in re.finditer(word, line)]


FILES = [*NOTEBOOKS, ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "hackbook").rglob("*.pyi")),
         *sorted((ROOT / "hackbook").rglob("*.js")), *sorted((ROOT / "hackbook").rglob("__init__.py"))]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_fields_words(path):
    assert found(path) == []


@pytest.mark.parametrize("line", ["one row a class", "Two trainings side by side", "the loss is no number any more", "turn the knobs", "learned by heart"])
def test_the_list_finds_them(tmp_path, line):
    (tmp_path / "page.md").write_text(f"# A page\n\n{line}\n")
    assert [(l, bool(better)) for l, _, better in found(tmp_path / "page.md")] == [(line, True)]


if __name__ == "__main__":
    for given in sys.argv[1:] or ["nbs"]:
        for path in sorted(Path(given).rglob("*.ipynb")) if Path(given).is_dir() else [Path(given)]:
            for line, word, better in found(path):
                print(f"{path}: {word!r} → {better}: {line[:140]}")
