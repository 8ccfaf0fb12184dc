"""The table of real clients names what the run runs; it is written by that run, not here."""

from tests.clients.cases import CLIENTS, SCENARIOS, TOOL, Client
from tests.clients.table import NO_TOOLS, NOT_HAD, PAGE, block, results_in, table


def test_every_client_in_its_version_stands_in_the_table_and_works() -> None:
    lines = block(PAGE.read_text()).splitlines()
    expected = table(
        {
            (each.name, each.version, each.endpoint, scenario): word(each, scenario, lines)
            for each in CLIENTS
            for scenario in SCENARIOS
        }
    )
    assert lines == expected.splitlines(), "run: python -m tests.clients.table"


def test_what_a_run_leaves_out_stays_as_it_was() -> None:
    written = block(PAGE.read_text())
    assert table(results_in(written)) == written


def word(client: Client, scenario: str, lines: list[str]) -> str:
    """What must stand in a cell: a program from outside the registries may not be had."""
    row = next((line for line in lines if line.startswith(f"| {client.name} |")), "")
    if client.elsewhere and NOT_HAD in row:
        return NOT_HAD
    return NO_TOOLS if scenario == TOOL and not client.tool else "works"
