// Operators that make one row of many: summarize, distinct, make-series.
'use strict';

const { kind, list, word, typeName, columnsOf, resultName } = require('./language');
const v = require('./values');
const { compile } = require('./expressions');
const { aggregate, isAggregate } = require('./aggregates');

const several = { arg_max: 1, arg_min: -1 };

const naked = (node) => (kind(node) === 'SimpleNamedExpression' ? node.Expression : node);
const given = (node) => (kind(node) === 'SimpleNamedExpression' ? word(node.Name) : undefined);

/** A name that is not taken yet: a second `x` is called `x1`. */
function fresh(name, columns) {
  let made = name;
  for (let n = 1; columns.has(made); n++) made = `${name}${n}`;
  return made;
}

function keysOf(nodes, scope, official) {
  return nodes.map((node, i) => ({
    name: given(node) ?? official[i]?.name,
    type: typeName(naked(node).ResultType),
    read: compile(naked(node), scope),
  }));
}

/** The rows by the values of the keys; without keys there is one group, even of no rows. */
function grouped(rows, keys, at) {
  const groups = new Map();
  if (!keys.length) groups.set('', { values: [], rows });
  else {
    for (const row of rows) {
      const values = keys.map(({ read }) => read(row, at));
      const id = values.map(v.key).join('\u0000');
      if (!groups.has(id)) groups.set(id, { values, rows: [] });
      groups.get(id).rows.push(row);
    }
  }
  return [...groups.values()];
}

/** `arg_max(by, what...)`: the columns of the row with the most. */
function extreme(node, called, args, scope, keys) {
  const by = compile(args[0], scope);
  const star = args.slice(1).some((arg) => kind(arg) === 'StarExpression');
  const first = given(node) ?? resultName(args[0]);
  const taken = new Set([...keys.map(({ name }) => name), resultName(args[0])]);
  const others = star
    ? [...scope.columns].filter(([name]) => !taken.has(name)).map(([name, type]) => ({ name, type, read: (row) => row[name] }))
    : args.slice(1).map((arg) => ({ name: resultName(arg), type: typeName(arg.ResultType), read: compile(arg, scope) }));
  if (!first || others.some(({ name }) => !name)) throw new v.Unsupported(`${called} of an expression without a name`);
  const columns = [{ name: first, type: typeName(args[0].ResultType), read: by }, ...others];
  const pick = (rows, at) => {
    let best = null;
    let most = null;
    for (const row of rows) {
      const value = by(row, at);
      if (value === null) continue;
      if (most === null || v.compare(value, most) * several[called] > 0) [best, most] = [row, value];
    }
    // Where there is no value at all, any row will do.
    return best ?? rows[0] ?? null;
  };
  return { columns, values: (rows, at) => { const row = pick(rows, at); return columns.map(({ read, type }) => (row ? read(row, at) : v.nothing(type))); } };
}

/** The aggregate that a call is; undefined for anything else. */
function aggregateOf(node, scope) {
  const called = kind(node) === 'FunctionCallExpression' ? word(node.Name).toLowerCase() : '';
  if (!isAggregate(called)) return undefined;
  return aggregate(called, list(node.ArgumentList.Expressions).map((arg) => compile(arg, scope)));
}

function oneAggregate(node, scope, keys, otherwise) {
  const of = naked(node);
  const type = typeName(of.ResultType);
  const called = kind(of) === 'FunctionCallExpression' ? word(of.Name).toLowerCase() : '';
  const args = called ? list(of.ArgumentList.Expressions) : [];
  if (several[called]) return extreme(node, called, args, scope, keys);
  const name = given(node) ?? otherwise;
  if (called === 'percentiles') throw new v.Unsupported('percentiles: ask for each percentile by itself');
  const read = aggregateOf(of, scope) ?? compound(of, scope);
  const real = (value) => (type === 'real' && typeof value === 'bigint' ? Number(value) : type === 'string' ? value ?? '' : value);
  return { columns: [{ name, type }], values: (rows, at) => [real(read(rows, at))] };
}

/** Arithmetic and functions over aggregates, such as `round(100.0 * countif(x) / count(), 1)`. */
function compound(node, scope) {
  const parts = [];
  // What an aggregate comes to, the compiler finds here.
  const replaced = new Map();
  (function find(of) {
    const made = aggregateOf(of, scope);
    if (made) {
      const index = parts.push(made) - 1;
      replaced.set(of, (row) => row[index]);
      return;
    }
    for (let i = 0; i < of.ChildCount; i++) if (of.GetChild(i)) find(of.GetChild(i));
  })(node);
  if (!parts.length) throw new v.Unsupported(`the aggregate ${node.ToString().trim()}`);
  const read = compile(node, { ...scope, columns: new Map(), replaced });
  return (rows, at) => read(parts.map((part) => part(rows, at)), at);
}

function summarize(node, input, scope) {
  const official = columnsOf(node.ResultType);
  const keys = keysOf(list(node.ByClause?.Expressions), scope, official);
  const columns = new Map(keys.map(({ name, type }) => [name, type]));
  const names = [];
  const parts = list(node.Aggregates).map((one) => {
    const part = oneAggregate(one, scope, keys, official[columns.size]?.name);
    names.push(part.columns.map(({ name, type }) => {
      const made = fresh(name, columns);
      columns.set(made, type);
      return made;
    }));
    return part;
  });
  const run = (at) => grouped(input.run(at), keys, at).map((group) => {
    const made = {};
    keys.forEach(({ name }, i) => { made[name] = group.values[i]; });
    parts.forEach((part, p) => part.values(group.rows, at).forEach((value, i) => { made[names[p][i]] = value; }));
    return made;
  });
  return { columns, ingested: false, run };
}

function distinct(node, input, scope) {
  const expressions = list(node.Expressions);
  const all = expressions.length === 1 && kind(expressions[0]) === 'StarExpression';
  const keys = all ? [...input.columns].map(([name, type]) => ({ name, type, read: (row) => row[name] })) : keysOf(expressions, scope, columnsOf(node.ResultType));
  const columns = new Map(keys.map(({ name, type }) => [name, type]));
  const run = (at) => grouped(input.run(at), keys, at).map(({ values }) => Object.fromEntries(keys.map(({ name }, i) => [name, values[i]])));
  return { columns, ingested: false, run };
}

function makeSeries(node, input, scope) {
  const official = columnsOf(node.ResultType);
  const keys = keysOf(list(node.ByClause?.Expressions), scope, official);
  const clause = node.RangeClause;
  if (kind(clause) !== 'MakeSeriesFromToStepClause') throw new v.Unsupported('make-series in range');
  const [from, to, step] = [clause.MakeSeriesFromClause, clause.MakeSeriesToClause, clause.MakeSeriesStepClause].map((one) => one && compile(one.Expression, scope));
  if (!from || !to) throw new v.Unsupported('make-series without from and to');
  const on = compile(naked(node.OnClause.Expression), scope);
  const onName = resultName(naked(node.OnClause.Expression));
  const parts = list(node.Aggregates).map((one) => {
    const part = oneAggregate(one.Expression, scope, keys, resultName(one.Expression));
    const otherwise = one.DefaultExpression ? compile(one.DefaultExpression.Expression, scope) : () => 0n;
    return { name: part.columns[0].name, values: part.values, otherwise };
  });
  const columns = new Map([...keys.map(({ name, type }) => [name, type]), ...parts.map(({ name }) => [name, 'dynamic']), [onName, 'dynamic']]);
  const run = (at) => {
    const [begin, end, width] = [from(null, at), to(null, at), step(null, at)];
    const steps = [];
    for (let x = begin; v.compare(x, end) < 0; x = v.arithmetic('+', x, width)) steps.push(x);
    const index = (value) => Math.floor(Number(v.isTime(value) ? (value - begin) / width.ms : v.arithmetic('/', v.arithmetic('-', value, begin), Number(width))));
    const rows = input.run(at).filter((row) => { const x = on(row, at); return x !== null && v.compare(x, begin) >= 0 && v.compare(x, end) < 0; });
    return grouped(rows, keys, at).map((group) => {
      const made = Object.fromEntries(keys.map(({ name }, i) => [name, group.values[i]]));
      const slots = steps.map(() => []);
      for (const row of group.rows) slots[index(on(row, at))].push(row);
      for (const { name, values, otherwise } of parts) made[name] = slots.map((slot) => (slot.length ? values(slot, at)[0] : otherwise(null, at)));
      made[onName] = steps;
      return made;
    });
  };
  return { columns, ingested: false, run };
}

module.exports = { summarize, distinct, makeSeries };
