// Tabular expressions: a node of the bound tree becomes {columns, ingested, run(at) -> rows}.
'use strict';

const { kind, list, word, typeName, columnsOf, resultName } = require('./language');
const v = require('./values');
const expressions = require('./expressions');
const { join, lookup } = require('./joins');
const { summarize, makeSeries, distinct } = require('./groups');

const { compile, parameter, isTabular, INGESTED } = expressions;

/** The scope of an operator's expressions: the columns of what flows in. */
const within = (scope, table) => ({ ...scope, columns: table.columns, ingested: table.ingested });

/** `name = expression`, or an expression that is named as the service has it. */
function named(node, scope, otherwise) {
  if (kind(node) === 'CompoundNamedExpression') throw new v.Unsupported('several names for one expression');
  const of = kind(node) === 'SimpleNamedExpression' ? node.Expression : node;
  const name = of === node ? otherwise ?? resultName(node) : word(node.Name);
  if (!name) throw new v.Unsupported(`an expression without a name: ${node.ToString().trim()}`);
  return { name, type: typeName(of.ResultType), read: compile(of, scope) };
}

/** The expressions of an operator that gives a column for each. */
function each(node, scope) {
  const official = columnsOf(node.ResultType);
  return list(node.Expressions).map((one, i) => named(one, scope, official[i]?.name));
}

function extend(node, input, scope) {
  const added = list(node.Expressions).map((one) => named(one, within(scope, input)));
  const columns = new Map(input.columns);
  for (const { name: column, type } of added) columns.set(column, type);
  const run = (at) => input.run(at).map((row) => {
    const made = { ...row };
    for (const { name: column, read } of added) made[column] = read(row, at);
    return made;
  });
  return { columns, ingested: input.ingested, run };
}

function project(node, input, scope) {
  const kept = each(node, within(scope, input));
  const columns = new Map(kept.map(({ name: column, type }) => [column, type]));
  const run = (at) => input.run(at).map((row) => Object.fromEntries(kept.map(({ name: column, read }) => [column, read(row, at)])));
  return { columns, ingested: false, run };
}

/** The same rows under a part of the columns, or in another order. */
function columnsOnly(names, input) {
  const columns = new Map(names.map((name) => [name, input.columns.get(name)]));
  return { columns, ingested: input.ingested, run: (at) => input.run(at) };
}

/** The columns that a list names, where a star stands for any letters. */
function matching(node, input) {
  return list(node.Expressions).flatMap((one) => {
    const pattern = new RegExp(`^${word(one).replace(/\*/g, '.*')}$`);
    const found = [...input.columns.keys()].filter((name) => pattern.test(name));
    if (!found.length) throw new v.Unsupported(`the column ${word(one)}, which is not there`);
    return found;
  });
}

function rename(node, input) {
  const names = new Map(list(node.Expressions).map((one) => [word(one.Expression), word(one.Name)]));
  const to = (name) => names.get(name) ?? name;
  const columns = new Map([...input.columns].map(([name, type]) => [to(name), type]));
  const run = (at) => input.run(at).map((row) => {
    const made = Object.fromEntries([...input.columns.keys()].map((name) => [to(name), row[name]]));
    if (input.ingested) made[INGESTED] = row[INGESTED];
    return made;
  });
  return { columns, ingested: input.ingested, run };
}

function where(node, input, scope) {
  const holds = compile(node.Condition, within(scope, input));
  return { ...input, run: (at) => input.run(at).filter((row) => holds(row, at) === true) };
}

/** Sorts by expressions; nulls come last when descending, first when ascending, or as said. */
function sorter(nodes, scope) {
  const by = nodes.map((node) => {
    const ordered = kind(node) === 'OrderedExpression';
    const clause = ordered ? node.Ordering : null;
    const up = clause?.AscOrDescKeyword ? clause.AscOrDescKeyword.Text === 'asc' : false;
    const nulls = clause?.NullsClause?.FirstOrLastKeyword?.Text ?? (up ? 'first' : 'last');
    return { read: compile(ordered ? node.Expression : node, scope), up, nulls };
  });
  return (rows, at) => {
    const keyed = rows.map((row) => ({ row, keys: by.map(({ read }) => read(row, at)) }));
    keyed.sort((a, b) => {
      for (const [i, { up, nulls }] of by.entries()) {
        const [x, y] = [a.keys[i], b.keys[i]];
        if (x === null && y === null) continue;
        if (x === null || y === null) return (x === null) === (nulls === 'first') ? -1 : 1;
        const order = v.compare(x, y);
        if (order) return up ? order : -order;
      }
      return 0;
    });
    return keyed.map(({ row }) => row);
  };
}

function top(node, input, scope) {
  const sort = sorter([node.ByExpression], within(scope, input));
  const count = compile(node.Expression, scope);
  return { ...input, run: (at) => sort(input.run(at), at).slice(0, Number(count(null, at))) };
}

function mvExpand(node, input, scope) {
  if (list(node.Parameters).length) throw new v.Unsupported('parameters of mv-expand');
  const parts = list(node.Expressions).map((one) => {
    const part = named(one.Expression, within(scope, input));
    const type = one.ToTypeOf ? word(list(one.ToTypeOf.TypeOf.Types)[0]) : 'dynamic';
    return { ...part, type };
  });
  const columns = new Map(input.columns);
  for (const { name, type } of parts) columns.set(name, type);
  // An empty list gives no row, null one.
  const elements = (value) => (Array.isArray(value) ? value : v.isBag(value) ? Object.entries(value).map(([k, x]) => ({ [k]: x })) : [value]);
  const run = (at) => input.run(at).flatMap((row) => {
    const lists = parts.map(({ read }) => elements(read(row, at)));
    const length = Math.max(...lists.map((one) => one.length));
    return Array.from({ length }, (_, i) => {
      const made = { ...row };
      for (const [p, { name, type }] of parts.entries()) made[name] = v.convert(lists[p][i] ?? null, type);
      delete made[INGESTED];
      return made;
    });
  });
  return { columns, ingested: false, run };
}

/** `mv-apply`: a query over the elements of each row. */
function mvApply(node, input, scope) {
  let element;
  const source = { columns: new Map(input.columns), ingested: false, run: () => element };
  const parts = list(node.Expressions).map((one) => {
    const part = named(one.Expression, within(scope, input));
    return { ...part, type: one.ToTypeOf ? word(list(one.ToTypeOf.TypeOf.Types)[0]) : 'dynamic' };
  });
  if (parts.length !== 1) throw new v.Unsupported('mv-apply of several lists');
  const [{ name, type, read }] = parts;
  source.columns.set(name, type);
  const inner = operators(node.Subquery.Expression, source, scope);
  const columns = new Map([...input.columns].filter(([column]) => column !== name));
  for (const [column, of] of inner.columns) columns.set(column, of);
  const run = (at) => input.run(at).flatMap((row) => {
    const value = read(row, at);
    element = (Array.isArray(value) ? value : value === null ? [null] : [value]).map((one) => ({ ...row, [name]: v.convert(one, type) }));
    return inner.run({ ...at, cache: new Map() }).map((made) => ({ ...row, ...made }));
  });
  return { columns, ingested: false, run };
}

/** The operators of a sub-query that begins without a table. */
function operators(node, source, scope) {
  return kind(node) === 'PipeExpression' ? operate(node.Operator, operators(node.Expression, source, scope), scope) : operate(node, source, scope);
}

/** One column for each name and type: of a name with two types, each gets its type appended. */
function union(node, input, scope) {
  const parameters = new Map(list(node.Parameters).map((one) => [word(one.Name).toLowerCase(), one.Expression]));
  const fuzzy = parameters.get('isfuzzy')?.ToString().trim().toLowerCase() === 'true';
  for (const name of parameters.keys()) if (!['isfuzzy', 'withsource', 'kind'].includes(name)) throw new v.Unsupported(`union ${name}`);
  if (parameters.get('kind') && word(parameters.get('kind')) !== 'outer') throw new v.Unsupported('union kind=inner');
  const source = parameters.get('withsource') && word(parameters.get('withsource'));
  const legs = list(node.Expressions).flatMap((leg) => (fuzzy && missing(leg, scope) ? [] : [{ name: origin(leg), table: compileTable(leg, scope) }]));
  if (input) legs.unshift({ name: '', table: input });
  if (!legs.length) throw new v.Unsupported('a union without any table');
  const types = new Map();
  for (const { table } of legs) for (const [name, type] of table.columns) types.set(name, (types.get(name) ?? new Set()).add(type));
  const to = (name, type) => (types.get(name).size > 1 ? `${name}_${type}` : name);
  const columns = new Map(source ? [[source, 'string']] : []);
  for (const [name, all] of types) for (const type of all) columns.set(to(name, type), type);
  const run = (at) => legs.flatMap(({ name: leg, table }) => table.run(at).map((row) => {
    const made = {};
    for (const [name, type] of columns) made[name] = v.nothing(type);
    if (source) made[source] = leg;
    for (const [name, type] of table.columns) made[to(name, type)] = row[name];
    if (row[INGESTED]) made[INGESTED] = row[INGESTED];
    return made;
  }));
  return { columns, ingested: legs.some(({ table }) => table.ingested), run };
}

/** The expression that a leg begins with. */
function first(node) {
  const inside = kind(node) === 'PipeExpression' || kind(node) === 'ParenthesizedExpression';
  return inside ? first(node.Expression) : node;
}
const origin = (leg) => (kind(first(leg)) === 'NameReference' ? word(first(leg)) : 'query');
const missing = (leg, scope) => {
  const name = first(leg);
  return kind(name) === 'NameReference' && !scope.tables.has(word(name)) && !scope.lets.has(word(name));
};

function datatable(node, scope) {
  const columns = new Map(list(node.Schema.Columns).map((one) => [word(one.Name), one.Type.ToString().trim()]));
  const names = [...columns.keys()];
  const cells = list(node.Values).map((one) => compile(one, scope));
  const rows = [];
  for (let i = 0; i < cells.length; i += names.length) {
    rows.push(Object.fromEntries(names.map((name, c) => [name, v.convert(cells[i + c](null, null), columns.get(name))])));
  }
  return { columns, ingested: false, run: () => rows };
}

function print(node, scope) {
  const cells = each(node, { ...scope, columns: new Map() });
  const columns = new Map(cells.map(({ name, type }) => [name, type]));
  return { columns, ingested: false, run: (at) => [Object.fromEntries(cells.map(({ name, read }) => [name, read(null, at)]))] };
}

function range(node, scope) {
  const name = word(node.Name);
  const [from, to, step] = [node.From, node.To, node.Step].map((one) => compile(one, { ...scope, columns: new Map() }));
  const run = (at) => {
    const rows = [];
    for (let x = from(null, at); v.compare(x, to(null, at)) <= 0; x = v.arithmetic('+', x, step(null, at))) rows.push({ [name]: x });
    return rows;
  };
  return { columns: new Map([[name, typeName(columnsOf(node.ResultType)[0] && node.ResultType.Columns.getItem(0).Type)]]), ingested: false, run };
}

function operate(node, input, scope) {
  const what = kind(node);
  const inner = within(scope, input);
  switch (what) {
    case 'FilterOperator': return where(node, input, scope);
    case 'ExtendOperator': return extend(node, input, scope);
    case 'SerializeOperator': return list(node.Expressions).length ? extend(node, input, scope) : input;
    case 'ProjectOperator': return project(node, input, scope);
    case 'ProjectAwayOperator': {
      const gone = new Set(matching(node, input));
      return columnsOnly([...input.columns.keys()].filter((name) => !gone.has(name)), input);
    }
    case 'ProjectKeepOperator': {
      const kept = new Set(matching(node, input));
      return columnsOnly([...input.columns.keys()].filter((name) => kept.has(name)), input);
    }
    case 'ProjectReorderOperator': return columnsOnly([...new Set([...matching(node, input), ...input.columns.keys()])], input);
    case 'ProjectRenameOperator': return rename(node, input);
    case 'SummarizeOperator': return summarize(node, input, inner);
    case 'DistinctOperator': return distinct(node, input, inner);
    case 'MakeSeriesOperator': return makeSeries(node, input, inner);
    case 'JoinOperator': return join(node, input, scope, compileTable);
    case 'LookupOperator': return lookup(node, input, scope, compileTable);
    case 'MvExpandOperator': return mvExpand(node, input, scope);
    case 'MvApplyOperator': return mvApply(node, input, scope);
    case 'UnionOperator': return union(node, input, scope);
    case 'SortOperator': {
      const sort = sorter(list(node.Expressions), inner);
      return { ...input, run: (at) => sort(input.run(at), at) };
    }
    case 'TopOperator': return top(node, input, scope);
    case 'TakeOperator': {
      const count = compile(node.Expression, inner);
      return { ...input, run: (at) => input.run(at).slice(0, Number(count(null, at))) };
    }
    case 'CountOperator': return { columns: new Map([['Count', 'long']]), ingested: false, run: (at) => [{ Count: BigInt(input.run(at).length) }] };
    // How it is drawn does not change the rows.
    case 'RenderOperator': case 'AsOperator': return input;
    default: throw new v.Unsupported(`the operator ${what}`);
  }
}

function compileTable(node, scope) {
  switch (kind(node)) {
    case 'PipeExpression': return operate(node.Operator, compileTable(node.Expression, scope), scope);
    case 'ParenthesizedExpression': case 'MaterializeExpression': return compileTable(node.Expression, scope);
    case 'UnionOperator': return union(node, null, scope);
    case 'DataTableExpression': return datatable(node, scope);
    case 'PrintOperator': return print(node, scope);
    case 'RangeOperator': return range(node, scope);
    case 'NameReference': {
      const found = scope.lets.get(word(node)) ?? scope.tables.get(word(node));
      if (found?.body) return found.tabular([]);
      if (found?.table) return found.table;
      throw new v.Unsupported(`the table ${word(node)}, which is not there`);
    }
    case 'FunctionCallExpression': {
      const called = word(node.Name);
      const given = list(node.ArgumentList.Expressions);
      if (called === 'materialize') return compileTable(given[0], scope);
      const own = scope.lets.get(called);
      if (!own?.body) throw new v.Unsupported(`the function ${called}`);
      return own.tabular(given.map((one) => parameter(one, (of) => (isTabular(of) ? compileTable(of, scope) : compile(of, scope)))));
    }
    default: throw new v.Unsupported(`the table ${kind(node)}`);
  }
}

expressions.tables.compile = compileTable;

module.exports = { compileTable };
