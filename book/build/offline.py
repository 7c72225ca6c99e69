"""Sphinx extension: serve every library from the site itself, so that no page needs a network.

MathJax comes from a package that carries it, Vega from vl-convert; pages without formulas or
charts load neither.  Thebe's scripts, which nothing here uses, are dropped.
"""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import vl_convert
from sphinx.application import Sphinx

MATHJAX = (
    "tex-chtml.js",
    "output/chtml/fonts/woff-v2",
    "a11y",
    "sre/mathmaps/base.json",
    "sre/mathmaps/en.json",
    "input/tex/extensions",
)
CHART = 'class="vega-chart"'
VEGA = "lib/vega-bundle.js"


def home(package: str) -> Path:
    """Find the folder of a package that carries files, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"{package} is not installed: run make book, which installs it")
    return Path(spec.submodule_search_locations[0])


def copy_mathjax(static: Path) -> None:
    """Copy the parts of MathJax that set TeX as HTML; the whole of it would be 20 MB."""
    source = home("sphinx-mathjax-offline") / "static" / "mathjax"
    for part in MATHJAX:
        target = static / "mathjax" / part
        if (source / part).is_dir():
            shutil.copytree(source / part, target, dirs_exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / part, target)


def write_vega(bundle: Path) -> None:
    """Write Vega with all that it needs.

    In a function of its own: the bundle's one-letter globals would meet the theme's.
    """
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_text(f"(function(){{{vl_convert.javascript_bundle()}}})();", encoding="utf-8")


def copy_libraries(app: Sphinx, exception: Exception | None) -> None:
    """Put the libraries beside the pages after a build; what is there already stays."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    if not (static / "mathjax").exists():
        copy_mathjax(static)
    if not (static / VEGA).exists():
        write_vega(static / VEGA)


def choose_scripts(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Load Vega only where a chart stands, and Thebe nowhere.

    The list of scripts is changed in place: the theme holds on to it.
    """
    context["script_files"][:] = [
        script
        for script in context["script_files"]
        if "thebe" not in (getattr(script, "filename", "") or "").lower()
        and "THEBE_JS_URL" not in (script.attributes.get("body") or "")
    ]
    if CHART in context.get("body", ""):
        app.add_js_file(VEGA, loading_method="defer")
        app.add_js_file("charts.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    app.connect("html-page-context", choose_scripts)
    app.connect("build-finished", copy_libraries)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
