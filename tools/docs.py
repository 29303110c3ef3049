"""Render the docs site: `make docs`. With Quarto where it is installed, else with smalldocs, which reads the same `_quarto.yml`.

    python tools/docs.py [--to _docs] [--no-serve] [--port 4200]
"""

import argparse
import functools
import http.server
import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from execnb.nbio import read_nb, write_nb
from nbdev.config import get_config
from nbdev.process import NBProcessor
from hackbook.autoencoders import walk_scripts
from hackbook.live.replays import replay_scripts
from pages import NBS, ROOT, address, look_up, plain, processors, symbols

WRITTEN = {"report.html", "report.json", "deck", "deck_3", "deck_5", "deck_10", "export", "demo.html", "card.md", "answers.json"}  # by tutorials
LEFT_OUT = {".ipynb_checkpoints", "runs", "replays", "__pycache__", "nbdev.yml"} | WRITTEN
MARK = "<!-- made by tools/docs.py -->"


def sources():
    """What the site is made from, as paths within nbs."""
    found = sorted(p.relative_to(NBS) for p in NBS.rglob("*") if p.is_file())
    return [p for p in found if not LEFT_OUT & set(p.parts) and not p.name.startswith(".")]


# What is written for the renderers.


def shared():
    """The scripts and styles that all replays and all walks of the site share, by file name."""
    return {f"{name}.{kind}": text for name, texts in (("replays", replay_scripts()), ("walks", walk_scripts()))
            for kind, text in zip(("js", "css"), texts)}


def settings():
    """What `_quarto.yml` takes over from settings.ini: title, address, repository, version."""
    cfg = get_config()
    website = {"title": cfg.title, "description": cfg.description, "site-url": cfg.doc_host + cfg.doc_baseurl,
               "repo-url": cfg.git_url, "repo-branch": cfg.branch, "repo-subdir": "nbs",
               "page-footer": {"left": f"{cfg.title} {cfg.version}", "right": f"[Repository]({cfg.git_url}) · Apache 2.0"}}
    return yaml.safe_dump({"project": {"output-dir": cfg.doc_path.name, "resources": list(shared())}, "website": website}, allow_unicode=True, sort_keys=False)


def front(title, description):
    return f"---\ntitle: {title}\ndescription: {description}\n---\n\n{MARK}\n\n"


def index_of_names():
    """The public names in alphabetical order, each with its first sentence and its page."""
    rows = {}
    for full, module in symbols().items():
        name = full.removeprefix(module + ".")
        text = inspect.getdoc(plain(look_up(name, module))) or ""
        if text:
            package = module.split(".")[1]
            rows[name.lower(), full] = f"- [`{name}`]({address(full, 'names.md')}) ({package}): {first_sentence(text)}"
    body = "\n".join(row for _, row in sorted(rows.items()))
    return front("All names", "Every public name of hackbook, from A to Z, with its package.") + body + "\n"


def first_sentence(text):
    return re.split(r"(?<=[.:])\s", " ".join(text.split()), maxsplit=1)[0].rstrip(":")


def changelog():
    """CHANGELOG.md as a page."""
    text = re.sub(r"^# .*\n+", "", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    return front("Changelog", "What has changed, release by release.") + re.sub(r"\]\((?:nbs/)?([^)]+\.ipynb)", r"](\1", text)


def benchmarks():
    """The figures of `make bench`: those of the last run here, else those that are kept beside the notebooks."""
    made = next((p for p in (ROOT / "_bench/results.json", NBS / "benchmarks.json") if p.is_file()), None)
    begin = front("Benchmarks", "hackbook beside its peers, measured in one run on one machine.")
    if not made:
        return begin + "Call `make bench` to measure, then `make docs`.\n"
    told = json.loads(made.read_text(encoding="utf-8"))
    machine = told.pop("machine", {})
    facts = ", ".join(f"{k} {v}" for k, v in machine.items())
    rows = [f"| `{name}` | {f['ours']:g} {f['unit']} | {f['peer']:g} {f['unit']} | {f['ratio'] or '–'} |" for name, f in told.items()]
    notes = [f"- `{name}`: {f['note']}." for name, f in told.items()]
    return begin + (
        f"Measured on: {facts}.\n\n" if facts else "") + (
        "A ratio above 1 says how many times better hackbook is than its peer. Repeat it with `make bench`.\n\n"
        "| Figure | hackbook | Peer | Ratio |\n|---|---:|---:|---:|\n" + "\n".join(rows) + "\n\n## How each was measured\n\n" + "\n".join(notes) + "\n")


# From notebooks to pages.


def preprocess(proc):
    """Write the folder that is rendered: notebooks as pages, other files as they are."""
    shutil.rmtree(proc, ignore_errors=True)
    for path in sources():
        target = proc / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".ipynb":
            nb = read_nb(NBS / path)
            nb.target_ = target
            NBProcessor(nb=nb, procs=processors()).process()
            write_nb(nb, target)
        else:
            shutil.copyfile(NBS / path, target)
    written = {**shared(), "nbdev.yml": settings(),
               "names.md": index_of_names(), "changelog.md": changelog(), "benchmarks.md": benchmarks()}
    for name, text in written.items():
        (proc / name).write_text(text, encoding="utf-8")


def twins(proc, to):
    """A Markdown twin beside each page, and llms.txt, which lists them."""
    cfg = get_config()
    lines = [f"# {cfg.title}", "", f"> {cfg.description}", ""]
    for path in sorted(proc.rglob("*")):
        if path.suffix not in (".ipynb", ".md") or path.name == "404.md":
            continue
        text = path.read_text(encoding="utf-8") if path.suffix == ".md" else notebook_text(read_nb(path))
        named = yaml.safe_load(re.match(r"---\n([\s\S]*?)\n---", text)[1])
        name = path.relative_to(proc).with_suffix(".html.md")
        (to / name).write_text(text, encoding="utf-8")
        lines.append(f"- [{named['title']}]({name.as_posix()}): {named['description']}")
    (to / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def notebook_text(nb):
    """A processed notebook as Markdown: prose, code, and what was printed."""
    parts = []
    for cell in nb.cells:
        if cell.cell_type != "code":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            text = output.get("text") or data.get("text/markdown") or data.get("text/plain") or ""
            text = "".join(text)
            parts.append(text if "text/markdown" in data else f"```\n{text}\n```")
    return "\n\n".join(parts) + "\n"


def render(proc, to):
    """Render `proc` into `to`. Returns the name of what rendered it."""
    quarto = shutil.which("quarto")
    command = [quarto, "render", "--no-cache"] if quarto else [sys.executable, "-m", "smalldocs.cli", "render", "--quiet", "."]
    subprocess.run(command, cwd=proc, check=True)
    shutil.rmtree(to, ignore_errors=True)
    shutil.move(proc / get_config().doc_path.name, to)
    shutil.copytree(NBS / "tutorials", to / "notebooks", ignore=lambda folder, names: [n for n in names if not n.endswith(".ipynb")])
    twins(proc, to)
    return "Quarto" if quarto else "smalldocs"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files, and the site's own page for what is missing; prints nothing."""

    def log_message(self, *arguments):
        pass

    def send_error(self, code, message=None, explain=None):
        page = Path(self.directory) / "404.html"
        if code != 404 or not page.is_file():
            return super().send_error(code, message, explain)
        content = page.read_bytes()
        self.send_response(404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def server(folder, port=0):
    """A server of that folder on 127.0.0.1, not yet running; port 0: any that is free."""
    handler = functools.partial(Handler, directory=folder)
    try:
        return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError:
        return http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", type=Path, default=ROOT / "_docs")
    parser.add_argument("--port", type=int, default=4200, help="another one is taken where it is in use")
    parser.add_argument("--no-serve", action="store_true", help="only render")
    arguments = parser.parse_args()
    proc = ROOT / "_proc"
    preprocess(proc)
    print(f"make docs: rendered with {render(proc, arguments.to)} into {arguments.to.name}", flush=True)
    if arguments.no_serve:
        return
    with server(arguments.to, arguments.port) as served:
        print(f"make docs: http://127.0.0.1:{served.server_port} (Ctrl-C ends it)", flush=True)
        try:
            served.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
