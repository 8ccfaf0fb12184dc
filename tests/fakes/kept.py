"""What the usage store holds, read with nothing but SQLite."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

DEADLINE_SECONDS = 30.0

Row = dict[str, Any]


def kept(database: Path) -> list[Row]:
    """Every request with its `calls`, in the order of arrival; none before there is a store."""
    if not database.exists():
        return []
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        rows = [dict(row) for row in connection.execute("SELECT * FROM requests ORDER BY at")]
        for row in rows:
            row["calls"] = _calls(connection, row["request_id"])
    except sqlite3.OperationalError:
        return []  # its tables are being made
    finally:
        connection.close()
    return rows


def _calls(connection: sqlite3.Connection, request_id: str) -> list[Row]:
    query = "SELECT * FROM calls WHERE request_id = ? ORDER BY attempt"
    calls = [dict(row) for row in connection.execute(query, (request_id,))]
    return [call | {"raw_usage": json.loads(call["raw_usage"] or "null")} for call in calls]


async def written(database: Path, count: int = 1) -> list[Row]:
    """Wait until so many requests are in the store, and give them."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(rows := kept(database)) < count:  # noqa: ASYNC110 - a file knows no events
            await asyncio.sleep(0.02)
    assert len(rows) == count
    return rows
