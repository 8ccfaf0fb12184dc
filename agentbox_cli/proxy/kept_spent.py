"""What the budgets have counted, in a file: it outlives a usage database that is damaged or lost.

While the database is the one that it was, only it counts, so that new prices for past calls hold.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from agentbox_cli.config.own_file import read_own
from agentbox_cli.supervise.place import write_private
from agentbox_cli.usage.budgets import Account, Budget, StoreSpent

SCHEMA = 1
SIZE_LIMIT = 1024 * 1024


class KeptAccount(Struct, frozen=True, kw_only=True):
    """What was spent of one budget in one period; see `Account`."""

    scope: str
    name: str
    period: str
    began: float
    spent: float
    carried: float


class KeptSpent(Struct, frozen=True, kw_only=True):
    """What the file says.

    Args:
        schema: the version of its form.
        store_born_at: which store was counted on; None if none was.
        unknown_before: nobody knows what was spent before this time; None if that is known.
        accounts: of all budgets.
    """

    schema: int
    store_born_at: float | None
    unknown_before: float | None
    accounts: tuple[KeptAccount, ...]


NOTHING_KEPT = KeptSpent(schema=SCHEMA, store_born_at=None, unknown_before=None, accounts=())

_decode = msgspec.json.Decoder(KeptSpent).decode
_encode = msgspec.json.Encoder().encode


def read(path: Path) -> KeptSpent:
    """Read the file; what is missing, damaged, not ours or of another version says nothing."""
    try:
        kept = _decode(read_own(path, limit=SIZE_LIMIT))
    except (OSError, ValueError, RecursionError):
        return NOTHING_KEPT
    return kept if kept.schema == SCHEMA else NOTHING_KEPT


def write(path: Path, kept: KeptSpent) -> None:
    """Replace the file, mode 0600; raises ProxyError."""
    write_private(path, _encode(kept).decode() + "\n")


def worth_keeping(
    accounts: Mapping[Budget, Account], store_born_at: float | None, unknown_before: float | None
) -> KeptSpent:
    """What a later run should know."""
    return KeptSpent(
        schema=SCHEMA,
        store_born_at=store_born_at,
        unknown_before=unknown_before,
        accounts=tuple(
            KeptAccount(
                scope=budget.scope.value,
                name=budget.name,
                period=budget.period.value,
                began=account.began,
                spent=account.spent,
                carried=account.carried,
            )
            for budget, account in accounts.items()
        ),
    )


def carried(kept: KeptSpent, store: StoreSpent, now: float) -> dict[Budget, float]:
    """The dollars of each budget that were spent in its period of now and the store has not.

    Args:
        kept: what an earlier run has counted.
        store: what the store knows.
        now: seconds since the epoch.
    """
    known = {(each.scope, each.name, each.period, each.began): each for each in kept.accounts}
    same = kept.store_born_at == store.born_at
    found = {}
    for budget, dollars in store.dollars.items():
        begin = budget.period.begin(now)
        account = known.get((budget.scope.value, budget.name, budget.period.value, begin))
        if account is not None:
            found[budget] = account.carried if same else max(0.0, account.spent - dollars)
    return found
