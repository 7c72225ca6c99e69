"""Sphinx extension: figures are sharp, light, and can be read on a phone.

Chapters draw twice as many pixels as a page shows; 256 colours, plenty for lines and dots, keep the
files as small as before.  A figure is a link to its own file, and a wide one, with panels side by
side, is marked: on a phone it can be pushed sideways instead of shrinking until nobody can read it.
"""

import re
from pathlib import Path

from PIL import Image
from sphinx.application import Sphinx

COLOURS = 256
ONE_PANEL = 1500
"""Pixels; a figure that is wider has panels side by side."""

LINK = re.compile(r'class="reference internal image-reference"(?= href="\.\./_images/([^"]+\.png)")')
"""How Sphinx begins the link around a figure that says how wide it is."""

SIZE = re.compile(r'(<img [^>]*)style="width: (\d+)px; height: (\d+)px;"')
"""As attributes they keep a figure's place on any screen until it is there."""


def lighten(picture: Path) -> None:
    """Write a picture again with a palette; one that has a palette stays as it is."""
    with Image.open(picture) as image:
        if image.mode == "P":
            return
        with_palette = image.convert("RGBA").quantize(
            COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
        )
    with_palette.save(picture, optimize=True)


def is_wide(picture: Path) -> bool:
    """Say whether a picture has panels side by side."""
    with Image.open(picture) as image:
        return image.width > ONE_PANEL


def improve(app: Sphinx, exception: Exception | None) -> None:
    """Lighten all pictures; on the pages that were just set mark the wide ones and keep all their places."""
    if exception or app.builder.format != "html":
        return
    pictures = Path(app.outdir) / "_images"
    for picture in pictures.glob("*.png"):
        lighten(picture)

    def named(found: re.Match[str]) -> str:
        return 'class="figure wide"' if is_wide(pictures / found[1]) else 'class="figure"'

    for page in Path(app.outdir).glob("*/*.html"):
        old = page.read_text(encoding="utf-8")
        new = SIZE.sub(r'\1width="\2" height="\3"', LINK.sub(named, old))
        if new != old:
            page.write_text(new, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("build-finished", improve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
