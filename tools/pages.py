"""Turn the notebooks into pages of the docs site: nbdev's processors, and what they leave out.

A page keeps what stands below its title, documents its public names in tables, links a name only to what it means on that page,
gives every picture its alternative text, and folds the tests of the library.
"""

import ast
import base64
import inspect
import os
import re
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Union, get_args, get_origin

import yaml
from execnb.nbio import mk_cell, read_nb
from fastcore.docments import docments
from nbdev.config import get_config
from nbdev.doclinks import patch_name
from nbdev.processors import add_show_docs, hide_, hide_line, populate_language, rm_export, rm_header_dash, strip_ansi
from nbdev.process import Processor

ROOT = Path(__file__).resolve().parents[1]
NBS = ROOT / "nbs"
WIDTH = 72  # characters of a call in a line


# What there is.


@cache
def rooms():
    """The notebook of each module, as a path within nbs."""
    found = {}
    for path in sorted((NBS / "library").rglob("*.ipynb")):
        if named := re.search(r"#\| default_exp ([\w.]+)", path.read_text(encoding="utf-8")):
            found[f"hackbook.{named[1]}"] = path.relative_to(NBS).as_posix()
    return found


@cache
def symbols():
    """The documented names, those of cells with `#| export`: "module.name" or "module.Class.name" → the module."""
    found = {}
    for module, path in rooms().items():
        for cell in read_nb(NBS / path).cells:
            if cell.cell_type == "code" and re.match(r"#\| exports?\b(?!i)", cell.source):
                found |= {f"{module}.{name}": module for name in defined(cell.source)}
    return found


def defined(source):
    """The public functions, classes and patched methods that a cell defines."""
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not (name := patch_name(node) or node.name).split(".")[-1].startswith("_"):
            yield name


def look_up(name, module=None):
    """The object that a name means: on the page of a module what it is there or in its package, or anywhere if it begins with hb."""
    first, *rest = name.split(".")
    if first in ("hb", "hackbook"):
        found = import_module("hackbook")
    elif module and hasattr(import_module(module), first):
        found, rest = import_module(module), [first, *rest]
    elif module:
        places = module.rpartition(".")[0], "hackbook.core.errors"  # its package; errors are called by name everywhere
        found, rest = next((p for p in map(import_module, places) if hasattr(p, first)), None), [first, *rest]
    else:
        return None
    for part in rest if found else ():
        found = inspect.getattr_static(found, part, None) if inspect.isclass(found) else getattr(found, part, None)
    return found


def plain(thing):
    """The function behind a property, a method or a decorator."""
    inner = ("__func__", "fget", "func", "f")  # of a static or class method, a property, a cached one, fastcore's class method
    if inspect.isfunction(thing) or inspect.isclass(thing):
        return thing
    return next((getattr(thing, name) for name in inner if inspect.isfunction(getattr(thing, name, None))), thing)


def full_name(thing):
    """As in `symbols`; None for what is not documented."""
    thing = plain(thing)
    full = f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', '')}"
    return full if full in symbols() else None


def anchor(full):
    """Where a page tells about a name."""
    return full.removeprefix(symbols()[full] + ".")


def address(full, page):
    """A link from a page, given as a path within nbs, to what is told about a name."""
    target = rooms()[symbols()[full]]
    here = os.path.relpath(target, Path(page).parent).replace(os.sep, "/")
    return f"#{anchor(full)}" if target == page else f"{here}#{anchor(full)}"


# How a name is documented.


def type_name(kind):
    """A type as people write it: `int | None`, `np.ndarray`, `Dataset`."""
    if kind in (inspect.Parameter.empty, None, type(None)):
        return "None" if kind in (None, type(None)) else ""
    if isinstance(kind, str):
        return kind.replace(" ", "").replace("|", " | ")
    if get_origin(kind) in (Union, UnionType):
        return " | ".join(map(type_name, get_args(kind)))
    if inspected := get_args(kind):
        return f"{type_name(get_origin(kind))}[{', '.join(map(type_name, inspected))}]"
    short = {"numpy": "np.", "pandas": "pd."}.get(getattr(kind, "__module__", "").split(".")[0], "")
    return short + getattr(kind, "__name__", str(kind))


def default_text(value):
    """A default as it would be typed."""
    if isinstance(value, type) or inspect.isroutine(value):
        return value.__name__ if value.__name__ != "<lambda>" else "a function"
    text = repr(value)
    return text if " at 0x" not in text and "<" not in text else type(value).__name__


def parameters(thing):
    """A row per parameter: name, type, default and meaning. Of a dataclass, its fields."""
    told = docments(thing, full=True)
    factories = {f.name: f.default_factory() for f in fields(thing) if f.default_factory is not MISSING} if is_dataclass(thing) else {}
    try:
        known = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return []
    for p in known:
        if p.name in ("self", "cls"):
            continue
        star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        default = factories.get(p.name, p.default)
        kind = type(default) if p.annotation is p.empty and default not in (p.empty, None) else p.annotation
        value = "" if default is p.empty else default_text(default)
        yield star + p.name, type_name(kind), value, (told.get(p.name) or {}).get("docment") or ""


def call_text(name, rows):
    """The call with its parameters, in lines of `WIDTH` characters."""
    parts = [name_ + (f"={value}" if value and not name_.startswith("*") else "") for name_, _, value, _ in rows]
    if len(whole := f"{name}({', '.join(parts)})") <= WIDTH:
        return whole
    lines = [""]
    for part in parts:
        if len(lines[-1]) + len(part) + 6 > WIDTH:
            lines.append("")
        lines[-1] += f"{part}, "
    inner = "\n".join("    " + line.rstrip() for line in lines)
    return f"{name}(\n{inner}\n)"


def code(text):
    """As code in a cell of a table."""
    return f"`{text}`".replace("|", "\\|") if text else ""


def table(rows, result):
    """Parameters, and what is returned, as a Markdown table without empty columns."""
    rows = [(code(n), code(k), code(v), meaning.replace("\n", " ").replace("|", "\\|")) for n, k, v, meaning in rows]
    if result:
        rows.append(("**returns**", code(result[0]), "", result[1].replace("\n", " ")))
    head = ("", "Type", "Default", "Meaning")
    used = [i for i in range(4) if i == 0 or any(row[i] for row in rows)]
    if not rows or used == [0]:
        return ""
    lines = [[head[i] for i in used], ["---"] * len(used), *([row[i] for i in used] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def returned(thing):
    """Type and meaning of what a function returns, or None."""
    told = docments(thing, full=True).get("return") or {}
    kind = getattr(thing, "__annotations__", {}).get("return", inspect.Parameter.empty)
    pair = type_name(kind) if kind is not inspect.Parameter.empty else "", told.get("docment") or ""
    return pair if any(pair) else None


def source(thing):
    """Where the code lies, at the repository's host."""
    thing = inspect.unwrap(plain(thing))
    file = Path(inspect.getsourcefile(thing)).relative_to(ROOT)
    cfg = get_config()
    return f"{cfg.git_url}/blob/{cfg.branch}/{file.as_posix()}#L{inspect.getsourcelines(thing)[1]}"


def documented(name, module, titled):
    """What a page tells about a public name. `titled`: the prose has a heading of this name already."""
    owner, _, last = name.rpartition(".")
    raw = look_up(name, module)
    thing = plain(raw)
    is_property = isinstance(raw, (property, cached_property)) or hasattr(raw, "fget")
    rows = [] if is_property else list(parameters(thing))
    call = name if is_property else call_text(f"{owner.lower()}.{last}" if owner else name, rows)
    result = None if inspect.isclass(thing) else returned(thing)
    head = "" if titled else f"### {name} {{#{name} .api-name}}\n\n"
    begin = f"::: {{.api{f' #{name}' if titled else ''}}}\n\n"
    kind = "property" if is_property else "class" if inspect.isclass(thing) else "method" if owner else "function"
    link = f"[{kind} · source]({source(raw)}){{.source}}\n\n"
    text = inspect.getdoc(thing) or ""
    return f"{head}{begin}{link}```python\n{call}\n```\n\n{text}\n\n{table(rows, result)}\n:::\n"


# The processors.


class Page(Processor):
    """What all processors know: the page's path within nbs, and its module."""

    def __init__(self, nb):
        super().__init__(nb)
        self.page = Path(nb.path_).resolve().relative_to(NBS.resolve()).as_posix()
        self.module = {page: module for module, page in rooms().items()}.get(self.page)


class FrontMatter(Page):
    """Title and description from the first cell; what follows them stays."""

    def begin(self):
        first = self.nb.cells[0]
        title, description, rest = re.match(r"# (.+)\n\n> (.+)\n*([\s\S]*)", first.source).groups()
        front = {"title": title, "description": description}
        self.nb.frontmatter_ = front
        first.source = rest
        cells = self.nb.cells
        cells.insert(0, mk_cell(f"---\n{yaml.dump(front, allow_unicode=True)}---\n", "raw"))
        if self.page.startswith("tutorials/"):
            cells.insert(1, mk_cell(self.ways(), "markdown"))

    def ways(self):
        """To Colab, to the file, to the repository."""
        cfg = get_config()
        place = f"{cfg.branch}/nbs/{self.page}"
        colab = cfg.git_url.replace("https://github.com", "https://colab.research.google.com/github")
        up = "../" * self.page.count("/")
        return (f'::: {{.ways}}\n[Open in Colab]({colab}/blob/{place}) '
                f'<a href="{up}notebooks/{Path(self.page).name}" download>Download this notebook</a> '
                f"[On GitHub]({cfg.git_url}/blob/{place})\n:::")


class Documented(Page):
    """Each public name gets its signature, its text and a table of parameters. Nothing is executed."""

    def begin(self):
        heads = {m.lower() for c in self.nb.cells if c.cell_type == "markdown" for m in re.findall(r"^#+ (.+)$", c.source, re.M)}
        for i, cell in enumerate(self.nb.cells):
            if asked := cell.cell_type == "code" and re.fullmatch(r"show_doc\(([\w.]+)\)", cell.source.strip()):
                if f"{self.module}.{asked[1]}" in symbols():
                    self.nb.cells[i] = mk_cell(documented(asked[1], self.module, asked[1].lower() in heads), "markdown")
                else:
                    cell.source = None

    def end(self):
        """A heading of the prose leaves the plain anchor to the name."""
        names = {anchor(full).lower() for full, module in symbols().items() if module == self.module}
        for cell in self.nb.cells:
            if cell.cell_type == "markdown" and "::: {.api" not in cell.source:
                rename = lambda m: f"{m[0]} {{#about-{m[1].lower()}}}" if m[1].lower() in names else m[0]
                cell.source = re.sub(r"^#+ (\w+)$", rename, cell.source, flags=re.M)


class Links(Page):
    """A name in backticks leads to what it means here: on a page of the library in its module, elsewhere only with hb. before it."""

    def cell(self, cell):
        if cell.cell_type == "markdown":
            parts = re.split(r"(^```[\s\S]*?^```|\[[^\]\n]*\]\([^)\s]*\)|^#.*$)", cell.source, flags=re.M)
            cell.source = "".join(part if i % 2 else re.sub(r"(?<!`)`([A-Za-z][\w.]*)(\(\))?`(?!`|\{)", self.link, part) for i, part in enumerate(parts))

    def link(self, match):
        full = full_name(look_up(match[1], self.module))
        return f"[{match[0]}]({address(full, self.page)})" if full else match[0]


class Folded(Page):
    """On pages of the library, cells that only test are folded."""

    def cell(self, cell):
        tests = self.module and cell.cell_type == "code" and not cell.outputs
        if tests and re.search(r"^ *(assert |test_\w+\(|with expect_fail)", cell.source, re.M):
            cell.source = f'#| code-fold: true\n#| code-summary: "How this is tested"\n{cell.source}'


class Progress(Page):
    """Of the progress lines of a cell, the last one."""

    def cell(self, cell):
        outputs = cell.get("outputs", [])
        lines = [o for o in outputs if re.match(r"[━┈]+ epoch ", "".join(o.get("data", {}).get("text/plain", "")))]
        for line in lines[:-1]:
            outputs.remove(line)


class Replays(Page):
    """All replays of the site share one script and one style, which `docs.py` writes; so do all walks."""

    def links(self, name):
        up = "../" * self.page.count("/")
        return f'<link rel="stylesheet" href="{up}{name}.css"><script type="module" src="{up}{name}.js"></script>'

    def cell(self, cell):
        for output in cell.get("outputs", []):
            text = "".join(output.get("data", {}).get("text/html", ""))
            if "hackbook-replay" in text:
                output["data"] = {"text/html": text[:text.index("</div>") + 6] + self.links("replays")}
            elif 'class="hackbook-walk"' in text:
                data = re.sub(r"<(style|script)[^>]*>[\s\S]*?</\1>", "", text)
                output["data"] = {"text/html": data + self.links("walks")}


class Pictures(Page):
    """Pictures become files with an alternative text: what the figure says of itself, or the cell's `#| fig-alt`."""

    def cell(self, cell):
        if cell.cell_type != "code":
            return
        own = re.search(r'^#\| fig-alt: "?(.*?)"?$', cell.source, re.M)
        cell.source = re.sub(r"^#\| fig-alt:.*\n", "", cell.source, flags=re.M)
        for i, output in enumerate(cell.get("outputs", [])):
            data = output.get("data", {})
            if "image/png" not in data or "text/html" in data:
                continue
            text = "".join(data.get("text/plain", ""))
            alt = own[1] if own else "" if text.startswith("<") else text.removeprefix("Figure: ")
            name = f"figures/{Path(self.page).stem}-{cell.id}-{i}.png"
            target = self.nb.target_.parent / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(base64.b64decode("".join(data["image/png"])))
            size = output.get("metadata", {}).get("image/png", {}).get("width")
            width = f" width={size}" if size else ""
            alt = alt.replace('"', "'").replace("\n", " ")
            output["data"] = {"text/markdown": f'![]({name}){{fig-alt="{alt}"{width}}}'}


def processors():
    """In the order in which they run."""
    return [FrontMatter, populate_language, add_show_docs, strip_ansi, hide_line, rm_header_dash, Documented, rm_export, hide_, Links, Folded, Progress, Replays, Pictures]
