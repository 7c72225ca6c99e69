"""Chapters are executed when their code, the package or its tables changed, and only then."""

import asyncio
import json
import os

import chapters
import downloads
import execution
import kernels
import pytest
from jupyter_cache import get_cache
from jupyter_client.manager import start_new_kernel

CHAPTER = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# Doubling

```{{code-cell}} ipython3
{line}
print("twice:", 2 * value)
```
"""
USES_PACKAGE = "from scalinglab import value"
STANDS_ALONE = "value = 1"


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book of two tiny chapters, one of which imports a package of one number."""
    for folder in ("notebooks", "scalinglab/tables"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "requirements.lock").write_text("numpy==2.4.6\n")
    (tmp_path / "scalinglab" / "__init__.py").write_text("value = 21\n")
    (tmp_path / "notebooks" / "01_uses.md").write_text(CHAPTER.format(line=USES_PACKAGE))
    (tmp_path / "notebooks" / "02_alone.md").write_text(CHAPTER.format(line=STANDS_ALONE))
    monkeypatch.setattr(chapters, "ROOT", tmp_path)
    monkeypatch.setattr(chapters, "RECORDS", tmp_path / "_build" / "execution")
    monkeypatch.setattr(kernels, "IMPORTED", ("ipykernel.kernelapp",))  # this package is another in each test
    monkeypatch.setattr(execution, "PROFILE", tmp_path / "_build" / "ipython")
    monkeypatch.setattr(downloads, "CACHE", tmp_path / "_build" / "cache")
    monkeypatch.setattr(execution, "CACHE", tmp_path / "_build" / "cache")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    for name in ("IPYTHONDIR", "TQDM_DISABLE", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "")
    execution.quiet_kernels()
    chapters.package_digest.cache_clear()
    yield tmp_path
    chapters.package_digest.cache_clear()


def build(jobs: int = 2) -> list[str]:
    """Execute what is stale, as a new process would; return the chapters that failed."""
    chapters.package_digest.cache_clear()
    return asyncio.run(execution.run_all(chapters.find(), jobs))


def stale() -> list[str]:
    chapters.package_digest.cache_clear()
    cache = get_cache(execution.CACHE)
    return [chapter.name for chapter in chapters.find() if not execution.is_stored(chapter, cache)]


def shown(name: str) -> list[str]:
    """What the chapter's page would print."""
    notebook = downloads.executed(chapters.find(name)[0])
    return [output.text for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_an_edit_of_the_package_reexecutes_the_chapters_that_import_it(book):
    assert build() == []
    assert (shown("01"), shown("02"), stale()) == (["twice: 42\n"], ["twice: 2\n"], [])
    alone = (book / "_build" / "execution" / "02_alone.json").read_text()
    (book / "scalinglab" / "__init__.py").write_text("value = 30\n")
    assert stale() == ["01_uses"]
    assert build() == []
    assert (shown("01"), stale()) == (["twice: 60\n"], [])
    assert (book / "_build" / "execution" / "02_alone.json").read_text() == alone


def test_a_new_table_counts_as_an_edit_and_a_new_lock_concerns_all(book):
    build()
    (book / "scalinglab" / "tables" / "runs.csv").write_text("N,L\n1,2\n")
    assert stale() == ["01_uses"]
    (book / "requirements.lock").write_text("numpy==2.4.7\n")
    assert stale() == ["01_uses", "02_alone"]


def test_prose_alone_executes_nothing(book):
    build()
    source = book / "notebooks" / "01_uses.md"
    source.write_text(source.read_text() + "\nMore prose.\n")
    assert stale() == []


def test_a_chapter_that_raises_is_named_and_the_others_are_kept(book, capsys):
    (book / "scalinglab" / "__init__.py").write_text("value = None\n")
    assert build() == ["01_uses"]
    assert "TypeError" in capsys.readouterr().err
    assert stale() == ["01_uses"]
    assert shown("02") == ["twice: 2\n"]


def test_the_note_of_an_execution_says_what_it_was_made_from(book):
    build()
    note = json.loads((book / "_build" / "execution" / "01_uses.json").read_text())
    assert note["inputs"] == chapters.find("01")[0].inputs()
    assert float(note["seconds"]) > 0


def test_an_unknown_chapter_is_refused_with_those_that_there_are(book):
    with pytest.raises(SystemExit, match="01_uses, 02_alone"):
        chapters.find("17")


def test_a_kernel_has_what_all_chapters_import_and_its_callers_folder_and_ends_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "IMPORTED", ("ipykernel.kernelapp", "fractions"))
    monkeypatch.setenv("SAID", "before the kernel")
    path = os.environ.get("JUPYTER_PATH")
    with kernels.ready():
        manager, client = start_new_kernel(cwd=str(tmp_path))
        asked = {
            "here": "__import__('os').getcwd()",
            "said": "__import__('os').environ['SAID']",
            "had": "'fractions' in __import__('sys').modules",
            "pid": "__import__('os').getpid()",
        }
        reply = client.execute_interactive("", user_expressions=asked, timeout=30)
        said = {k: v["data"]["text/plain"] for k, v in reply["content"]["user_expressions"].items()}
        assert said.pop("pid") != str(os.getpid())
        assert said == {"here": repr(str(tmp_path)), "said": "'before the kernel'", "had": "True"}
        client.stop_channels()
        manager.shutdown_kernel()
    assert os.environ.get("JUPYTER_PATH") == path


def test_what_cannot_be_imported_is_said(monkeypatch, capfd):
    monkeypatch.setattr(kernels, "IMPORTED", ("no_such_module",))
    with pytest.raises(SystemExit, match="No kernel can start"), kernels.ready():
        pass
    assert "no_such_module" in capfd.readouterr().err
