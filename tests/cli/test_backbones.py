"""The table of backbones on the command line."""

from catdog_keras import BACKBONES


def test_backbones_prints_one_line_with_the_facts_of_each(run):
    ended = run("backbones")
    assert ended.exit_code == 0
    lines = {line.split()[0]: line for line in ended.output.splitlines() if line}
    assert set(BACKBONES) < set(lines)
    words = lines["mobilenet_v2"].split()
    assert words == ["mobilenet_v2", "2.3", "M", "224", "32", "[-1,", "1]", "71.3%"]
    assert "[-123.7, 151.1], BGR" in lines["vgg16"]
    assert lines["synthetic_small"].endswith("-")
    assert "https://keras.io/api/applications/" in ended.output
    table = ended.output.split("\n\n")[0].splitlines()
    assert len({len(line) for line in table}) == 1
    assert max(len(line) for line in ended.output.splitlines()) <= 100
