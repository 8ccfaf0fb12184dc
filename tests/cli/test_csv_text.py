import csv
import io

import pytest

from agentbox_cli.cli.csv_text import print_csv


@pytest.mark.parametrize(
    "name",
    [
        '=HYPERLINK("http://evil.example")',
        "=cmd|'/c calc'!A1",
        "+1+1",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(1+1)",
        "\t=1",
    ],
)
def test_no_name_is_a_formula_in_a_spreadsheet(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    print_csv(["key", "cost"], [{"key": name, "cost": -1.5}])
    [row] = csv.DictReader(io.StringIO(capsys.readouterr().out, newline=""))
    assert row == {"key": f"'{name}", "cost": "-1.5"}


def test_other_names_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_csv(["key", "cost"], [{"key": "-", "cost": None}, {"key": 'a,"b"', "cost": 1}])
    assert capsys.readouterr().out == 'key,cost\n-,\n"a,""b""",1\n'
