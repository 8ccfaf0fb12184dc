"""The table of real clients names what the run runs; it is written by that run, not here."""

from tests.clients.cases import CLIENTS, SCENARIOS
from tests.clients.table import PAGE, block, table


def test_every_client_in_its_version_stands_in_the_table_and_works() -> None:
    rows = [(c.name, c.version, c.endpoint, s) for c in CLIENTS for s in SCENARIOS]
    assert block(PAGE.read_text()) == table(dict.fromkeys(rows, "works")), (
        "run: python -m tests.clients.table"
    )
