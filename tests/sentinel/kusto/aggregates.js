// Aggregate functions: of the rows of a group, one value.
//
// Each takes the arguments as functions of a row. `arg_max` and its like give several columns and
// are in tables.js.
'use strict';

const v = require('./values');

const values = (rows, of, at) => rows.map((row) => of(row, at)).filter((value) => value !== null);
const least = (found) => found.reduce((a, b) => (v.compare(a, b) <= 0 ? a : b), found[0] ?? null);
const most = (found) => found.reduce((a, b) => (v.compare(a, b) >= 0 ? a : b), found[0] ?? null);
const sum = (found) => found.reduce((a, b) => v.arithmetic('+', a, b), found.length && v.isSpan(found[0]) ? new v.Span(0) : 0n);

function average(found) {
  if (!found.length) return null;
  if (v.isTime(found[0])) return new Date(found.reduce((a, b) => a + b.getTime(), 0) / found.length);
  const total = sum(found);
  return v.isSpan(total) ? new v.Span(total.ms / found.length) : Number(total) / found.length;
}

function deviation(found) {
  if (found.length < 2) return found.length ? 0 : null;
  const mean = average(found);
  return Math.sqrt(found.reduce((a, b) => a + (Number(b) - mean) ** 2, 0) / (found.length - 1));
}

/** The value that a share of the others does not exceed, by nearest rank. */
function percentile(found, share) {
  const sorted = [...found].sort(v.compare);
  return sorted[Math.max(0, Math.ceil((Number(share) / 100) * sorted.length) - 1)] ?? null;
}

const distinct = (found) => [...new Map(found.map((value) => [v.key(value), value])).values()];
const atMost = (found, size) => (size === undefined ? found : found.slice(0, Number(size)));

/** By name: of a column's values, and of the further arguments. */
const ofValues = {
  sum, avg: average, min: least, max: most, stdev: deviation,
  dcount: (found) => BigInt(distinct(found).length),
  count_distinct: (found) => BigInt(distinct(found).length),
  make_list: atMost,
  make_set: (found, size) => atMost(distinct(found), size),
  make_bag: (found) => Object.assign({}, ...[...found].reverse()),
  take_any: (found) => found[0] ?? null,
  any: (found) => found[0] ?? null,
  percentile,
};
const conditional = { sumif: 'sum', avgif: 'avg', minif: 'min', maxif: 'max', dcountif: 'dcount', make_list_if: 'make_list', make_set_if: 'make_set', take_anyif: 'take_any' };

const isAggregate = (called) => ['count', 'countif'].includes(called) || Object.hasOwn(ofValues, called) || Object.hasOwn(conditional, called);

/** The function of a group's rows that the call stands for. */
function aggregate(called, args) {
  const [of, second, third] = args;
  const fixed = (arg) => arg && arg.constant;
  if (called === 'count') return (rows) => BigInt(rows.length);
  if (called === 'countif') return (rows, at) => BigInt(rows.filter((row) => of(row, at) === true).length);
  if (Object.hasOwn(conditional, called)) {
    const plain = ofValues[conditional[called]];
    return (rows, at) => plain(values(rows.filter((row) => second(row, at) === true), of, at), fixed(third));
  }
  return (rows, at) => ofValues[called](values(rows, of, at), fixed(second));
}

module.exports = { aggregate, isAggregate };
