"""How a package offers its names: each is loaded on first use, its help tells the parameters, and a name that is not there is answered with the one to use."""

import sys

import lazy_loader


def lazily(package, file, way=(), instead=None):
    """`__getattr__`, `__dir__` and `__all__` of a package with a stub; `way`: what dir() shows, `instead`: a name that people try -> what to call."""
    load, listed, everything = lazy_loader.attach_stub(package, file)

    def __getattr__(name):
        if name not in everything:
            raise AttributeError(missing(package, name, everything, instead or {}), name=name)
        thing = load(name)
        asks = sys._getframe(1).f_globals.get("__name__") or ""
        inside = asks.split(".")[0] in (__name__.split(".")[0], "importlib")
        if not inside and not name.startswith("_"):
            document(thing)
        return thing

    return __getattr__, (lambda: list(way)) if way else listed, everything


def missing(package, name, known, instead):
    """What to write in place of `hb.name`."""
    from difflib import get_close_matches

    here = package.replace("hackbook", "hb", 1)
    found = [instead[name]] if name in instead else []
    if not found:
        places = elsewhere(known) if here == "hb" else {}
        own = [f"{here}.{n}" for n in get_close_matches(name, known, 3, 0.7)]
        found = places.get(name) or own or [p for n in get_close_matches(name, places, 2, 0.7) for p in places[n]][:2]
    return f"{here} has no {name!r}" + (f"; did you mean {' or '.join(found)}?" if found else f"; dir({here}) lists what there is")


def elsewhere(known):
    """Where each name of the packages is, such as 'mlp' -> ['hb.models.mlp']."""
    from importlib import import_module
    from importlib.util import find_spec

    places = {}
    for package in known:
        spec = find_spec(f"hackbook.{package}")
        if spec and spec.submodule_search_locations:
            for name in import_module(f"hackbook.{package}").__all__:
                places.setdefault(name, []).append(f"hb.{package}.{name}")
    return places


def document(thing):
    """Add to a function's or a class's help the comments on its parameters; those of methods, also of what a function returns, are read when somebody asks."""
    from inspect import isclass, isfunction

    if not (isclass(thing) or isfunction(thing)) or not thing.__module__.startswith("hackbook."):
        return
    if "Parameters:" not in (thing.__doc__ or ""):
        thing.__doc__ = with_parameters(thing)
    returned = [] if isclass(thing) else classes_in(thing.__annotations__.get("return"))
    for c in [thing] if isclass(thing) else returned:
        for member in filter(isfunction, vars(c).values()):
            if not hasattr(member, "getdoc"):  # IPython asks for it
                member.getdoc = lambda f=member: with_parameters(f)


def classes_in(annotation):
    """The classes of this package in an annotation such as `Run|None`."""
    from typing import get_args

    return [c for c in (annotation, *get_args(annotation)) if isinstance(c, type) and c.__module__.startswith("hackbook.")]


def with_parameters(thing):
    """The docstring with a line per parameter: name, default and comment."""
    from inspect import Parameter, getdoc, signature

    from fastcore.docments import docments

    doc = getdoc(thing) or ""
    try:
        comments = docments(thing)
        parameters = signature(thing).parameters
    except Exception:  # without source, as in a frozen program: the docstring alone
        return doc
    lines = []
    for name, p in parameters.items():
        if name == "self" or p.kind is Parameter.VAR_KEYWORD:
            continue
        default = "" if p.default is Parameter.empty or "<" in repr(p.default) else f"={p.default!r}"
        lines.append(f"    {name}{default}: {comments.get(name) or ''}".rstrip(" :"))
    if comments.get("return"):
        lines.append(f"Returns: {comments['return']}")
    return "\n".join([doc, "", "Parameters:", *lines]) if lines else doc
