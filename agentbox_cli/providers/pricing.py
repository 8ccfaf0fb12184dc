"""What tokens cost: dollars for one token, by service tier and by the length of the prompt."""

from bisect import bisect_left

import msgspec

from agentbox_cli.providers.model import Price

# The prompt lengths, in tokens, at which some provider begins to charge other rates; ascending.
THRESHOLDS = (100_000, 128_000, 200_000, 256_000, 272_000, 512_000)

_MILLION = 1_000_000


class Counts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Tokens by how they are charged; `reasoning` is a part of `output`.

    Args:
        fresh: prompt tokens that no cache had a part in.
        cached: read from a cache.
        written: written to a cache for the usual time.
        written_1h: written to a cache for an hour.
        output: all tokens of the answer.
        reasoning: those of them that were thought and not said.
    """

    fresh: int = 0
    cached: int = 0
    written: int = 0
    written_1h: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def prompt(self) -> int:
        """All tokens of the prompt."""
        return self.fresh + self.cached + self.written + self.written_1h


class Rates(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Dollars for one token; None where the provider names none of its own."""

    input: float | None = None
    output: float | None = None
    cached: float | None = None
    written: float | None = None
    written_1h: float | None = None
    reasoning: float | None = None


class Variant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Rates that hold for a service tier, and for prompts of more than `above` tokens."""

    rates: Rates
    tier: str = ""
    above: int = 0


class PriceList(msgspec.Struct, frozen=True, kw_only=True):
    """All rates of one deployment; the first variant is the one that always holds."""

    variants: tuple[Variant, ...]

    @property
    def free(self) -> bool:
        """Whether nothing is ever charged."""
        return not any(
            getattr(variant.rates, name)
            for variant in self.variants
            for name in Rates.__struct_fields__
        )

    def cost(self, counts: Counts, *, tier: str = "", over: int = 0) -> float:
        """Dollars for these tokens.

        Args:
            counts: the tokens of one call, or of many that share tier and threshold.
            tier: the service tier that answered; empty for the usual one.
            over: the highest of THRESHOLDS that each prompt was longer than; 0 for none.
        """
        rates = self._rates(tier, over)
        fresh, output = rates.input or 0.0, rates.output or 0.0
        written = _either(rates.written, fresh)
        parts = (
            counts.fresh * fresh,
            counts.cached * _either(rates.cached, fresh),
            counts.written * written,
            counts.written_1h * _either(rates.written_1h, written),
            (counts.output - counts.reasoning) * output,
            counts.reasoning * _either(rates.reasoning, output),
        )
        return sum(parts)

    def _rates(self, tier: str, over: int) -> Rates:
        """The most special rates that hold; what they leave open comes from the wider ones."""
        merged = Rates()
        for variant in sorted(self.variants, key=lambda v: (v.tier == tier, v.above)):
            if variant.tier in {"", tier} and variant.above <= over:
                merged = _over(merged, variant.rates)
        return merged


def flat(price: Price) -> PriceList:
    """The price list of a plugin's or a user's price for a million tokens."""
    rates = Rates(
        input=price.input_usd / _MILLION,
        output=price.output_usd / _MILLION,
        cached=None if price.cached_usd is None else price.cached_usd / _MILLION,
        written=None if price.cache_written_usd is None else price.cache_written_usd / _MILLION,
    )
    return PriceList(variants=(Variant(rates=rates),))


def threshold(prompt: int) -> int:
    """The highest of THRESHOLDS that a prompt of so many tokens is longer than; 0 for none."""
    below = bisect_left(THRESHOLDS, prompt)
    return THRESHOLDS[below - 1] if below else 0


def _either(rate: float | None, otherwise: float) -> float:
    return otherwise if rate is None else rate


def _over(below: Rates, above: Rates) -> Rates:
    told = {
        name: value
        for name in Rates.__struct_fields__
        if (value := getattr(above, name)) is not None
    }
    return msgspec.structs.replace(below, **told)
