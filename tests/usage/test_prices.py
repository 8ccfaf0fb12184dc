from dataclasses import replace

import msgspec
import pytest

from agentbox_cli.config.spending import PriceConfig
from agentbox_cli.providers.catalog import Catalog
from agentbox_cli.providers.model import FREE, ModelSpec, Price
from agentbox_cli.providers.pricing import Counts
from agentbox_cli.usage.prices import Priced, Source, known, price_of
from tests.fakes.deployments import deployment

TABLE = Catalog(
    {
        "openai/gpt-4o": msgspec.Raw(
            b'{"input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06,'
            b' "max_output_tokens": 16384}'
        )
    }
)
OWN = {"openai/gpt-4o": PriceConfig(input_usd=7.0, output_usd=9.0)}


def _priced(own: dict[str, PriceConfig], plugin: Price | None, table: Catalog) -> Priced:
    told = replace(deployment("openai/gpt-4o"), model=ModelSpec(id="gpt-4o", price=plugin))
    return price_of(told, own, table)


@pytest.mark.parametrize(
    ("own", "plugin", "table", "source", "dollars"),
    [
        (OWN, FREE, TABLE, Source.CONFIG, 7.0),
        ({}, FREE, TABLE, Source.PLUGIN, 0.0),
        ({}, None, TABLE, Source.CATALOG, 1.0),
    ],
)
def test_the_users_word_counts_before_the_plugins_and_that_before_the_tables(
    own: dict[str, PriceConfig],
    plugin: Price | None,
    table: Catalog,
    source: Source,
    dollars: float,
) -> None:
    found = _priced(own, plugin, table)
    assert found.source is source
    assert found.price is not None
    assert found.price.cost(Counts(fresh=1_000_000)) == pytest.approx(dollars)


def test_what_nobody_knows_has_no_price() -> None:
    found = _priced({}, None, Catalog({}))
    assert (found.price, found.source) == (None, Source.NONE)
    assert known({found.name: found}) == {}


def test_the_longest_answer_is_the_tables_word_whoever_names_the_price() -> None:
    assert _priced(OWN, None, TABLE).max_output_tokens == 16_384
