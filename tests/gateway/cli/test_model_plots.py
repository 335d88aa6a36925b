"""Plots, as a browser reads them."""

from xml.etree import ElementTree as ET

from gateway.cli.model_plots import confusion_plot, threshold_plot


def test_curves_are_drawn_for_each_side() -> None:
    """Two lines a side, harmful and harmless."""
    points = [(0.0, 1.0, 1.0), (1.0, 0.0, 0.0)]
    svg = ET.fromstring(threshold_plot({"input": points, "output": points}))  # noqa: S314 our own
    lines = [each for each in svg if each.tag.endswith("polyline")]
    assert [each.get("points") for each in lines] == ["60.0,60.0 540.0,540.0"] * 4


def test_a_confusion_table_has_a_cell_for_each_pair() -> None:
    """Names are escaped, and empty cells have no number."""
    svg = ET.fromstring(confusion_plot(["a<b", "c"], [[3, 0], [1, 1]]))  # noqa: S314 the same
    texts = [each.text for each in svg if each.tag.endswith("text")]
    assert texts.count("a<b") == 2
    assert sorted(each for each in texts if each and each.isdigit()) == ["1", "1", "3"]
    assert len([each for each in svg if each.tag.endswith("rect")]) == 5
