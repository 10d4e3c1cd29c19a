// Scalar expressions: a node of the bound tree becomes a function of a row and of the execution.
//
// A scope is {columns: Map name -> type, ingested: whether rows still know their ingestion time,
// lets: Map name -> what `let` gave it, replaced: Map node -> what is known of it already}. An
// execution is {now, tables, cache, moment}.
'use strict';

const { kind, list, word, typeName } = require('./language');
const v = require('./values');
const functions = require('./functions');
const strings = require('./strings');

/** Under this key a row keeps the time of its ingestion. */
const INGESTED = Symbol('ingested');

/** Set by tables.js, which needs this module. */
const tables = { compile: null };

const isTabular = (node) => Boolean(node.ResultType?.Columns) && !['tuple'].includes(node.ResultType.Name);

const literal = {
  StringLiteralExpression: (node) => node.LiteralValue,
  CompoundStringLiteralExpression: (node) => node.LiteralValue,
  NullLiteralExpression: () => null,
  BooleanLiteralExpression: (node) => v.bool(inner(node)),
  LongLiteralExpression: (node) => (/^0x/i.test(inner(node)) ? BigInt(inner(node)) : v.long(inner(node))),
  IntLiteralExpression: (node) => v.long(inner(node)),
  RealLiteralExpression: (node) => v.real(inner(node)),
  DateTimeLiteralExpression: (node) => v.time(inner(node)),
  TimespanLiteralExpression: (node) => v.span(inner(node)),
};

/** The text of a literal without `datetime(` and `)`; "null" is nothing that any conversion takes. */
function inner(node) {
  const all = node.ToString().trim();
  return /^\w+\s*\((.*)\)$/s.exec(all)?.[1].trim() ?? all;
}

function literalOf(node) {
  const value = literal[kind(node)](node);
  if (value === null && !/null/i.test(node.ToString())) throw new v.Unsupported(`the literal ${node.ToString()}`);
  return value;
}

/** What stands in `dynamic(...)`. */
function dynamic(node) {
  switch (kind(node)) {
    case 'JsonArrayExpression': return list(node.Values).map(dynamic);
    case 'JsonObjectExpression':
      return Object.fromEntries(list(node.Pairs).map((pair) => [pair.Name.ValueText, dynamic(pair.Value)]));
    case 'UnaryMinusExpression': return v.arithmetic('-', 0n, dynamic(node.Expression));
    default: return literalOf(node);
  }
}

const signs = { AddExpression: '+', SubtractExpression: '-', MultiplyExpression: '*', DivideExpression: '/', ModuloExpression: '%' };
const orders = {
  LessThanExpression: (n) => n < 0, LessThanOrEqualExpression: (n) => n <= 0,
  GreaterThanExpression: (n) => n > 0, GreaterThanOrEqualExpression: (n) => n >= 0,
};

/** What no row changes is found once in each execution. */
function perExecution(find) {
  return (_, at) => {
    if (!at.cache.has(find)) at.cache.set(find, find(at));
    return at.cache.get(find);
  };
}

/** The list on the right of `in` and its like: values, arrays, or the first column of a table. */
function members(node, scope) {
  const parts = list(node.Expressions ?? node).map((item) => {
    if (!isTabular(item)) return { value: compile(item, scope) };
    const table = tables.compile(item, scope);
    const [first] = table.columns.keys();
    return { rows: (at) => table.run(at).map((row) => row[first]) };
  });
  const fixed = parts.every((part) => part.rows || part.value.constant !== undefined);
  const read = (row, at) => parts.flatMap((part) => {
    const found = part.rows ? part.rows(at) : part.value(row, at);
    return Array.isArray(found) ? found : [found];
  });
  return { read, fixed };
}

function inList(node, scope, fold) {
  const left = compile(node.Left, scope);
  const right = members(node.Right, scope);
  const asKey = (value) => v.key(fold && v.isText(value) ? value.toLowerCase() : value);
  const read = (row, at) => new Set(right.read(row, at).map(asKey));
  const once = perExecution((at) => read(null, at));
  return (row, at) => {
    const set = right.fixed ? once(null, at) : read(row, at);
    const value = left(row, at);
    return value !== null && set.has(asKey(value));
  };
}

function comparison(node, scope, decide) {
  const [left, right] = [compile(node.Left, scope), compile(node.Right, scope)];
  return (row, at) => {
    const [a, b] = [left(row, at), right(row, at)];
    return a === null || b === null ? null : decide(v.compare(a, b));
  };
}

/** Two nulls: null. One: not equal. */
function equality(node, scope, wanted) {
  const [left, right] = [compile(node.Left, scope), compile(node.Right, scope)];
  return (row, at) => {
    const [a, b] = [left(row, at), right(row, at)];
    if (a === null && b === null) return null;
    return (a !== null && b !== null && v.equal(a, b)) === wanted;
  };
}

function between(node, scope, wanted) {
  const [value, low, high] = [node.Left, node.Right.First, node.Right.Second].map((part) => compile(part, scope));
  return (row, at) => {
    const [x, from, to] = [value(row, at), low(row, at), high(row, at)];
    if (x === null || from === null || to === null) return null;
    const end = v.isTime(from) && v.isSpan(to) ? v.arithmetic('+', from, to) : to;
    return (v.compare(x, from) >= 0 && v.compare(x, end) <= 0) === wanted;
  };
}

const binary = {
  AndExpression: (a, b) => (a === false || b === false ? false : a === null || b === null ? null : true),
  OrExpression: (a, b) => (a === true || b === true ? true : a === null || b === null ? null : false),
};

function constant(value) {
  const read = () => value;
  read.constant = value;
  return read;
}

function name(node, scope) {
  const wanted = word(node);
  if (scope.columns.has(wanted)) return (row) => row[wanted];
  const found = scope.lets.get(wanted);
  if (found?.value) return found.value;
  throw new v.Unsupported(`the name ${wanted}, which is no column here and no value`);
}

function path(node, scope) {
  const of = compile(node.Expression, scope);
  const bracket = kind(node) === 'ElementExpression';
  const selector = bracket ? compile(node.Selector.Expression, scope) : constant(word(node.Selector));
  return (row, at) => {
    const [value, by] = [of(row, at), selector(row, at)];
    if (Array.isArray(value) && typeof by === 'bigint') return value.at(Number(by)) ?? null;
    return v.isBag(value) && Object.hasOwn(value, v.text(by)) ? value[v.text(by)] : null;
  };
}

/** What the service says is the type of a result, its value is made to be. */
function typed(node, read) {
  const type = typeName(node.ResultType);
  if (type === 'string') return (row, at) => read(row, at) ?? '';
  if (type === 'real') {
    return (row, at) => { const value = read(row, at); return typeof value === 'bigint' ? Number(value) : value; };
  }
  return read;
}

/** An argument of a function of the query's own: by its place, or by its name. */
function parameter(argument, read) {
  const named = kind(argument) === 'SimpleNamedExpression';
  return named ? { name: word(argument.Name), value: read(argument.Expression) } : { value: read(argument) };
}

function call(node, scope) {
  const called = word(node.Name).toLowerCase();
  const given = list(node.ArgumentList.Expressions);
  const own = scope.lets.get(word(node.Name));
  if (own?.body) return own.scalar(given.map((argument) => parameter(argument, (of) => compile(of, scope))));
  if (called === 'column_ifexists') {
    const wanted = given[0].LiteralValue;
    if (!v.isText(wanted)) throw new v.Unsupported('column_ifexists of a name that is no literal');
    return scope.columns.has(wanted) ? (row) => row[wanted] : compile(given[1], scope);
  }
  if (called === 'ingestion_time') {
    if (!scope.ingested) throw new v.Unsupported('ingestion_time() where the rows are no longer those of a table');
    return (row) => row[INGESTED] ?? null;
  }
  const read = given.map((argument) => compile(argument, scope));
  if (Object.hasOwn(functions.lazy, called)) return typed(node, functions.lazy[called](read));
  const plain = Object.hasOwn(functions.plain, called) && functions.plain[called];
  if (!plain) throw new v.Unsupported(`the function ${called}`);
  return typed(node, (row, at) => plain(read.map((argument) => argument(row, at)), at));
}

function toScalar(node, scope) {
  const table = tables.compile(node.Expression, scope);
  const [first] = table.columns.keys();
  return perExecution((at) => table.run(at)[0]?.[first] ?? v.nothing(table.columns.get(first)));
}

/** The function that gives the node's value for a row. */
function compile(node, scope) {
  const replaced = scope.replaced?.get(node);
  if (replaced) return replaced;
  const what = kind(node);
  if (literal[what]) return constant(literalOf(node));
  if (signs[what]) {
    const [left, right] = [compile(node.Left, scope), compile(node.Right, scope)];
    return typed(node, (row, at) => v.arithmetic(signs[what], left(row, at), right(row, at)));
  }
  if (orders[what]) return comparison(node, scope, orders[what]);
  if (binary[what]) {
    const [left, right] = [compile(node.Left, scope), compile(node.Right, scope)];
    return (row, at) => binary[what](left(row, at), right(row, at));
  }
  if (strings[what]) {
    const [left, right] = [compile(node.Left, scope), compile(node.Right, scope)];
    return (row, at) => strings[what](v.text(left(row, at)), v.text(right(row, at)));
  }
  switch (what) {
    case 'ParenthesizedExpression': return compile(node.Expression, scope);
    case 'DynamicExpression': return constant(dynamic(node.Expression));
    case 'NameReference': return name(node, scope);
    case 'PathExpression': case 'ElementExpression': return path(node, scope);
    case 'FunctionCallExpression': return call(node, scope);
    case 'ToScalarExpression': return toScalar(node, scope);
    case 'EqualExpression': return equality(node, scope, true);
    case 'NotEqualExpression': return equality(node, scope, false);
    case 'BetweenExpression': return between(node, scope, true);
    case 'NotBetweenExpression': return between(node, scope, false);
    case 'InExpression': return inList(node, scope, false);
    case 'InCsExpression': return inList(node, scope, true);
    case 'NotInExpression': { const has = inList(node, scope, false); return (row, at) => !has(row, at); }
    case 'NotInCsExpression': { const has = inList(node, scope, true); return (row, at) => !has(row, at); }
    case 'UnaryMinusExpression': {
      const of = compile(node.Expression, scope);
      return (row, at) => { const x = of(row, at); return v.isSpan(x) ? new v.Span(-x.ms) : v.arithmetic('-', 0n, x); };
    }
    case 'HasAnyExpression': case 'HasAllExpression': {
      const left = compile(node.Left, scope);
      const right = members(node.Right, scope);
      const every = what === 'HasAllExpression';
      return (row, at) => {
        const within = v.text(left(row, at));
        const has = (term) => strings.HasExpression(within, v.text(term));
        const terms = right.read(row, at);
        return every ? terms.every(has) : terms.some(has);
      };
    }
    default: throw new v.Unsupported(`the expression ${what}: ${node.ToString().trim().slice(0, 60)}`);
  }
}

module.exports = { INGESTED, tables, compile, parameter, isTabular, perExecution };
