"""Charts that answer to a slider."""

import json
import sys
import types

import charts
import pandas as pd
import pytest

from scalinglab.vega import alt
from scalinglab.widget import LAB_TYPE, interactive

DATA = pd.DataFrame({"N": [1e4, 1e5], "L": [2.1, 1.8]})


@pytest.fixture
def chart():
    exponent = alt.param(name="k", value=1.0, bind=alt.binding_range(min=0, max=2, name="exponent "))
    return alt.Chart(DATA).add_params(exponent).mark_line().encode(x="N:Q", y="L:Q")


def test_notebook_gets_the_chart_with_its_description(chart):
    shown = interactive(chart, alt="Loss falls")._repr_mimebundle_()
    assert shown[LAB_TYPE]["description"] == "Loss falls"
    assert "text/html" not in shown, "JupyterLab would prefer it to the chart"


@pytest.mark.parametrize(
    ("chosen", "in_notebook"), [({}, 560), ({"width": "container"}, 560), ({"width": 300}, 300)]
)
def test_a_chart_has_a_width_in_the_notebook_and_that_of_the_text_on_the_page(chart, chosen, in_notebook):
    spec = interactive(chart.properties(**chosen), alt="a")._repr_mimebundle_()[LAB_TYPE]
    assert spec["width"] == in_notebook
    assert '"width":"container"' in charts.element(spec)


def test_charts_side_by_side_keep_their_widths(chart):
    spec = interactive(chart | chart, alt="b")._repr_mimebundle_()[LAB_TYPE]
    assert "width" not in spec
    assert '"container"' not in charts.element(spec)


def test_the_same_chart_gives_the_same_text(chart):
    first, second = (interactive(chart, alt="a")._repr_mimebundle_() for _ in range(2))
    assert json.dumps(first) == json.dumps(second)


def test_a_chart_without_words_is_refused(chart):
    with pytest.raises(ValueError, match="alt is empty"):
        interactive(chart, alt=" ")


def test_colab_gets_html(chart, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    assert set(interactive(chart, alt="a")._repr_mimebundle_()) == {"text/html", "text/plain"}


def test_the_page_holds_the_chart_as_text_that_nothing_can_break_out_of(chart):
    spec = interactive(chart.properties(title="</script><b>"), alt='a "quoted" word')._repr_mimebundle_()[
        LAB_TYPE
    ]
    element = charts.element(spec)
    assert 'aria-label="a &quot;quoted&quot; word"' in element
    text = element.partition('json">')[2].partition("</script>")[0]
    assert json.loads(text)["title"] == "</script><b>"
    assert "http" not in element.replace(spec["$schema"], "")
