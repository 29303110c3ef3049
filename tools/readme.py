"""Make README.md from nbs/index.ipynb, without Quarto; `--check` only tells whether it is up to date."""

import re
import sys
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter

ROOT = Path(__file__).resolve().parents[1]
PICTURES = "nbs/images"


def render():
    """The README's text, and its pictures: file name → bytes."""
    notebook = nbformat.read(ROOT / "nbs/index.ipynb", as_version=4)
    notebook.metadata["language_info"] = {"name": "python"}  # for the code's colors
    body, resources = MarkdownExporter().from_notebook_node(notebook)
    pictures = {}
    for old, content in resources["outputs"].items():
        pictures[f"readme_{len(pictures)}.png"] = content
        body = body.replace(f"![png]({old})", f"![what the code above draws]({PICTURES}/readme_{len(pictures) - 1}.png)")
    body = re.sub(r"\]\((?!https?:|#|nbs/)(?:\.\./)?([^)]+)\)", lambda m: f"]({locate(m[1])})", body)
    body = re.sub(r"^:::.*\n", "", body, flags=re.M)    # divisions of the docs site
    body = re.sub(r"[ \t]+\n", "\n", body)
    return re.sub(r"\n{3,}", "\n\n", body).strip() + "\n", pictures


def locate(link):
    """A link of the index notebook as seen from the top folder."""
    return f"nbs/{link}" if (ROOT / "nbs" / link).exists() else link


def main():
    text, pictures = render()
    wanted = {ROOT / "README.md": text.encode()} | {ROOT / PICTURES / name: content for name, content in pictures.items()}
    stale = [path for path, content in wanted.items() if not path.is_file() or path.read_bytes() != content]
    if "--check" in sys.argv:
        sys.exit(f"not up to date, call `make readme`: {', '.join(p.name for p in stale)}" if stale else 0)
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(wanted[path])


if __name__ == "__main__":
    main()
