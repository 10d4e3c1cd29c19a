"""Answers the tests: one JSON request a line, one JSON answer a line.

{tables: {name: {columns: {column: type}, rows}}} -> null, for what follows
{query, now, functions: [text]} -> {rows} or {refused: why}

The queries are translated to SQL by duckdb-kql and run by DuckDB: nothing of it is shared with the evaluator in ../kusto.
"""

import datetime
import json
import re
import sys

import duckdb_kql
from duckdb_kql.translate import functions as known

TYPES = {
    "string": "VARCHAR", "datetime": "TIMESTAMP", "bool": "BOOLEAN", "real": "DOUBLE", "long": "BIGINT", "int": "INTEGER",
    "timespan": "INTERVAL", "dynamic": "JSON",
}


# What version 1.1.2 does not know. Each says no more than the documentation of the query language.
AGGREGATES = {
    "maxif": "max({0}) FILTER (WHERE {1})",
    "minif": "min({0}) FILTER (WHERE {1})",
    "take_anyif": "any_value({0}) FILTER (WHERE {1})",
    "make_set_if": "to_json(coalesce(list_distinct(list({0}) FILTER (WHERE ({1}) AND {0} IS NOT NULL)), []))",
}
for name, template in AGGREGATES.items():
    known.AGGREGATE_FUNCTIONS[name] = known.AggregateSpec(name, template, (2, 3))
RANGE = known._f("range", "template", "to_json(generate_series({0}, {1}, {2}))", (3,))
known.SCALAR_FUNCTIONS["range"] = RANGE

# It takes arguments by their place only.
NAMED = re.compile(r"\((?:starttime=([^,()]*(?:\([^()]*\))?), endtime=([^,()]*(?:\([^()]*\))?))?(?:, )?verdicts=")


def by_place(text):
    return NAMED.sub(lambda found: f"({found[1] or 'datetime(null)'}, {found[2] or 'datetime(null)'}, ", text)


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(datetime.timezone.utc).replace(tzinfo=None)


def cell(value, kind):
    if value is None:
        return None
    if kind == "datetime":
        return moment(value).isoformat(sep=" ")
    return value


def load(connection, name, table):
    columns = table["columns"]
    shape = ", ".join(f'"{column}" {TYPES[kind]}' for column, kind in columns.items())
    connection.execute(f'CREATE OR REPLACE TABLE "{name}" ({shape})')
    rows = [{column: cell(row.get(column), kind) for column, kind in columns.items()} for row in table["rows"]]
    # In one go: a statement for each row takes a hundred times as long.
    form = json.dumps([{column: TYPES[kind] for column, kind in columns.items()}])
    connection.execute(f'INSERT INTO "{name}" SELECT unnest(from_json(?, ?), recursive := true)', [json.dumps(rows), form])


def plain(value, kind):
    """A cell as the other engine writes it."""
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if kind == "JSON" and isinstance(value, str):
        return json.loads(value)
    if isinstance(value, list):
        return [plain(one, None) for one in value]
    return value


def answer(connection, request):
    try:
        text = by_place(request["query"])
        result = duckdb_kql.kql(connection, text, functions=request["functions"], query_now=moment(request["now"]))
        names, kinds = result.columns, [str(kind) for kind in result.types]
        return {"rows": [dict(zip(names, map(plain, row, kinds))) for row in result.fetchall()]}
    except Exception as why:  # Whatever it is, the test names the query and the reason.
        return {"refused": f"{type(why).__name__}: {why}"}


def main():
    connection = duckdb_kql.connect()
    for line in sys.stdin:
        request = json.loads(line)
        for name, table in request.get("tables", {}).items():
            load(connection, name, table)
        reply = answer(connection, request) if "query" in request else None
        print(json.dumps(reply, default=str), flush=True)


main()
