import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agentbox_cli.providers import catalog
from agentbox_cli.providers.catalog import FILE, Catalog, Entry, read_catalog
from agentbox_cli.providers.model import ModelKind, ModelSpec, ProviderSpec
from agentbox_cli.providers.pricing import THRESHOLDS, Counts, PriceList, Variant

MILLION = Counts(fresh=1_000_000)


@pytest.fixture(scope="module")
def installed() -> Catalog:
    return read_catalog()


def _spec(name: str, prefix: str | None = None) -> ProviderSpec:
    prefixes = {ModelKind.CHAT: prefix} if prefix else {}
    return ProviderSpec(name=name, title=name, protocols=frozenset(), litellm_prefix=prefixes)


def _entry(table: Catalog, provider: str, model: str, prefix: str | None = None) -> Entry:
    found = table.entry(_spec(provider, prefix), ModelSpec(id=model))
    assert found is not None
    return found


def _price(entry: Entry) -> PriceList:
    assert entry.price is not None
    return entry.price


def test_the_makers_models_are_found_by_their_bare_id(installed: Catalog) -> None:
    entry = _entry(installed, "openai", "gpt-4o")
    assert _price(entry).cost(MILLION) == pytest.approx(2.5)
    assert (entry.max_input_tokens, entry.max_output_tokens) == (128_000, 16_384)


def test_another_sellers_model_of_the_same_id_is_not_given_the_makers_price(
    installed: Catalog,
) -> None:
    assert installed.entry(_spec("cluster"), ModelSpec(id="gpt-4o")) is None


def test_a_model_is_found_by_the_prefix_under_which_litellm_calls_it(installed: Catalog) -> None:
    assert _entry(installed, "google", "gemini-2.5-pro", "gemini").price is not None


def test_a_long_prompt_may_cost_more_and_a_batch_less(installed: Catalog) -> None:
    price = _price(_entry(installed, "gemini", "gemini-2.5-pro"))
    assert price.cost(MILLION) == pytest.approx(1.25)
    assert price.cost(MILLION, over=200_000) == pytest.approx(2.5)
    assert price.cost(MILLION, tier="priority", over=200_000) == pytest.approx(4.5)
    gpt = _price(_entry(installed, "openai", "gpt-4o"))
    assert gpt.cost(MILLION, tier="batch") == pytest.approx(1.25)


def test_each_threshold_of_the_table_is_one_that_we_tell_apart(installed: Catalog) -> None:
    names = {
        variant.above
        for raw in installed._raw.values()
        for variant in _variants(msgspec.json.decode(raw))
    }
    assert names - {0} <= set(THRESHOLDS)


def _variants(told: dict[str, Any]) -> tuple[Variant, ...]:
    price = catalog._price(told)
    return price.variants if price else ()


def test_a_model_without_a_price_by_token_has_none() -> None:
    table = Catalog({"openai/tts": msgspec.Raw(b'{"input_cost_per_second": 1, "mode": "x"}')})
    assert _entry(table, "openai", "tts").price is None


def test_nonsense_in_the_table_is_no_price() -> None:
    raw = b'{"input_cost_per_token": "dear", "output_cost_per_token": -1, "max_input_tokens": "x"}'
    entry = _entry(Catalog({"openai/odd": msgspec.Raw(raw)}), "openai", "odd")
    assert (entry.price, entry.max_input_tokens) == (None, None)


def test_no_litellm_and_a_broken_table_make_an_empty_catalog(tmp_path: Path) -> None:
    assert read_catalog([str(tmp_path)]).entry(_spec("openai"), ModelSpec(id="gpt-4o")) is None
    (tmp_path / "litellm").mkdir()
    (tmp_path / "litellm" / "__init__.py").touch()
    (tmp_path / "litellm" / FILE).write_text("{")
    assert read_catalog([str(tmp_path)]).entry(_spec("openai"), ModelSpec(id="gpt-4o")) is None


def test_reading_it_imports_nothing_of_litellm(installed: Catalog) -> None:
    assert not [name for name in sys.modules if name == "litellm" or name.startswith("litellm.")]
