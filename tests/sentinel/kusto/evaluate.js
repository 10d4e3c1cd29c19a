// Runs a bound query over rows.
//
// No package that runs the query language offline knows enough of it: of those tried, the best
// (duckdb-kql 1.1.2) lacks column_ifexists, ingestion_time and make-series, with the first two of
// which every parser here begins. So the tree of the official service is walked instead: what a
// query means comes from Microsoft, what an operator does from here, and examples.json holds it
// to the documentation. What is not known here is refused.
'use strict';

const { kind, list, word, columnsOf } = require('./language');
const v = require('./values');
const { compile, perExecution, INGESTED } = require('./expressions');
const { compileTable } = require('./tables');

/** A function that the query defines, called with what its parameters stand for. */
function lambda(node, scope) {
  const parameters = list(node.Parameters.Parameters).map((one) => ({
    name: word(one.NameAndType.Name), otherwise: one.DefaultValue && compile(one.DefaultValue.Value, scope),
  }));
  const inside = (given) => {
    const lets = new Map(scope.lets);
    parameters.forEach(({ name, otherwise }, i) => {
      const argument = given.find((one) => one.name === name) ?? (given[i]?.name ? undefined : given[i]);
      const value = argument?.value ?? otherwise;
      lets.set(name, value.run ? { table: value } : { value });
    });
    return statements(list(node.Body.Statements), { ...scope, lets, columns: new Map(), ingested: false });
  };
  return {
    body: node.Body,
    scalar: (given) => compile(node.Body.Expression, inside(given)),
    tabular: (given) => compileTable(node.Body.Expression, inside(given)),
  };
}

/** A function of the workspace: what it gives without parameters is the same for all queries of a moment. */
function shared(name, of) {
  const tabular = (given) => {
    const table = of.tabular(given);
    if (given.length) return table;
    const run = (at) => {
      if (!at.moment.has(name)) at.moment.set(name, table.run(at));
      return at.moment.get(name);
    };
    return { ...table, run };
  };
  return { ...of, tabular };
}

/** What a name stands for. A table is read once in each execution, however often it is named. */
function meaning(node, scope) {
  if (kind(node) === 'FunctionDeclaration') return lambda(node, scope);
  if (node.ResultType?.Columns) {
    const table = compileTable(node, scope);
    const once = perExecution(table.run);
    return { table: { ...table, run: (at) => once(null, at) } };
  }
  const read = compile(node, scope);
  return { value: read.constant === undefined ? perExecution((at) => read(null, at)) : read };
}

/** The scope behind some statements. */
function statements(nodes, scope) {
  const lets = new Map(scope.lets);
  for (const node of nodes) {
    if (kind(node) !== 'LetStatement') throw new v.Unsupported(`the statement ${kind(node)}`);
    lets.set(word(node.Name), meaning(node.Expression, { ...scope, lets }));
  }
  return { ...scope, lets };
}

/** Rows as they are stored, from JSON rows with `_ingested`. */
function stored(schema, rows) {
  return rows.map((from) => {
    const row = Object.fromEntries(Object.entries(schema).map(([name, type]) => {
      const value = v.fromJson(from[name] ?? null);
      return [name, type === 'dynamic' ? value : v.convert(value, type)];
    }));
    row[INGESTED] = v.time(from._ingested ?? null);
    return row;
  });
}

/** The columns that came out must be those that the service says come out. */
function agree(type, columns) {
  if (type.IsOpen) return;
  const [expected, made] = [columnsOf(type), [...columns].map(([name, of]) => ({ name, type: of }))].map((all) => JSON.stringify(all));
  if (expected !== made) throw new v.Unsupported(`columns ${made}, which should be ${expected}`);
}

/**
 * A query made ready: a function of {tables: name -> stored rows, now} that gives its rows. It sees
 * what was ingested until now, or until as much later as the run is late; with `period` only rows of the time before now, as a scheduled rule,
 * with `window` those from one time to another, as a workbook.
 */
function prepare(code, workspace) {
  const tables = new Map(Object.entries(workspace.tables).map(([name, schema]) => [name, {
    table: { columns: new Map(Object.entries(schema)), ingested: true, run: (at) => at.tables[name] ?? [] },
  }]));
  const nodes = list(code.Syntax.Statements);
  const lets = new Map();
  const outside = { columns: new Map(), ingested: false, lets, tables };
  for (const [name, declaration] of workspace.declarations) lets.set(name, shared(name, lambda(declaration, outside)));
  const scope = statements(nodes.slice(0, -1), outside);
  const table = compileTable(nodes.at(-1).Expression, scope);
  agree(code.ResultType, table.columns);
  const run = ({ tables: rows, now, period, late, window, moment = new Map() }) => {
    const until = late ? new Date(now.getTime() + late.ms) : now;
    const [from, to] = period ? [new Date(now - period.ms), now] : window ?? [];
    const seen = (row) => row[INGESTED] === null || row[INGESTED] <= until;
    const inside = (row) => !from || !row.TimeGenerated || (row.TimeGenerated >= from && row.TimeGenerated <= to);
    const visible = Object.fromEntries(Object.entries(rows).map(([name, all]) => [name, all.filter((row) => seen(row) && inside(row))]));
    return table.run({ tables: visible, now, cache: new Map(), moment });
  };
  return { columns: table.columns, run };
}

/** A result row as JSON. */
const shown = (columns, row) => Object.fromEntries([...columns.keys()].map((name) => [name, plain(row[name])]));

function plain(value) {
  if (typeof value === 'bigint') return Number(value);
  if (v.isTime(value)) return value.toISOString();
  if (v.isSpan(value)) return v.text(value);
  if (Array.isArray(value)) return value.map(plain);
  if (v.isBag(value)) return Object.fromEntries(Object.entries(value).map(([k, x]) => [k, plain(x)]));
  return value;
}

module.exports = { prepare, stored, shown };
