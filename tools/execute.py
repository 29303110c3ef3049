"""Execute notebooks and store their outputs: `python tools/execute.py nbs/library/core/00_errors.ipynb …`, or a folder.

The hidden cell that exports is left out. Nothing is stored of a notebook that fails. A library notebook may take minutes.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore", "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}


def executed(path, timeout=900):
    """The notebook with fresh outputs. Raises nbclient's CellExecutionError where a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    export = [c for c in notebook.cells if c.cell_type == "code" and "nbdev_export()" in c.source]
    hidden = {id(c): c.source for c in export}
    for cell in export:
        cell.source = ""
    client = NotebookClient(notebook, timeout=timeout, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}},
                            record_timing=False)
    client.execute(env=os.environ | ENVIRONMENT)
    for cell in export:
        cell.source = hidden[id(cell)]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = None
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = None
                output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)  # its state is not stored
    notebook.metadata.pop("widgets", None)
    return notebook


def store(path):
    """Execute one notebook and write it back; the words for the terminal."""
    try:
        notebook = executed(path)
    except Exception as e:
        return f"FAILED {path}: {str(e)[-800:]}"
    nbformat.write(notebook, path)
    return f"stored {path}"


def main():
    given = [Path(a) for a in sys.argv[1:]] or sys.exit(__doc__)
    paths = [p.resolve() for g in given for p in (sorted(g.rglob("*.ipynb")) if g.is_dir() else [g])]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(store, paths))
    print(*results, sep="\n")
    sys.exit(any(r.startswith("FAILED") for r in results))


if __name__ == "__main__":
    main()
