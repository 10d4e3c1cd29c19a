// The values of the query language and how they compare, add up and turn into text.
//
// long is a BigInt, real a number, datetime a Date, timespan a Span, dynamic what JSON makes of it.
// Null is null; a text is never null but empty, as in Kusto. Times are exact to the millisecond.
'use strict';

class Span {
  constructor(ms) { this.ms = ms; }
}

/** What the evaluator does not know it refuses, so that no query passes by accident. */
class Unsupported extends Error {}

const MS = { d: 86400000, h: 3600000, m: 60000, s: 1000 };
/** Milliseconds from year 1, where Kusto's bins begin, to 1970. */
const EPOCH = 62135596800000;

const isText = (v) => typeof v === 'string';
const isNumber = (v) => typeof v === 'bigint' || typeof v === 'number';
const isTime = (v) => v instanceof Date;
const isSpan = (v) => v instanceof Span;
const isBag = (v) => v !== null && typeof v === 'object' && !Array.isArray(v) && !isTime(v) && !isSpan(v);

/** The null of a type. */
const nothing = (type) => (type === 'string' ? '' : null);

/** JSON as dynamic has it: whole numbers are longs. */
function fromJson(value) {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(fromJson);
  if (isBag(value)) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, fromJson(v)]));
  return value;
}

/** `parse_json`: a text that is no JSON is taken as a text. */
function parseJson(value) {
  if (!isText(value)) return value;
  if (value === '') return null;
  try { return fromJson(JSON.parse(value)); } catch { return value; }
}

function realText(v) {
  if (Number.isNaN(v)) return 'NaN';
  if (!Number.isFinite(v)) return v > 0 ? 'Infinity' : '-Infinity';
  return Number.isInteger(v) && Math.abs(v) < 1e15 ? v.toFixed(1) : String(v);
}

function spanText(span) {
  const ms = Math.abs(span.ms);
  const two = (n) => String(Math.floor(n)).padStart(2, '0');
  const days = Math.floor(ms / MS.d);
  const fraction = ms % 1000 ? '.' + String(ms % 1000).padStart(3, '0') + '0000' : '';
  const clock = [(ms % MS.d) / MS.h, (ms % MS.h) / MS.m, (ms % MS.m) / MS.s].map(two).join(':');
  return (span.ms < 0 ? '-' : '') + (days ? days + '.' : '') + clock + fraction;
}

const timeText = (time) => time.toISOString().replace('Z', '0000Z');

/** A value as JSON text, as `tostring` of a dynamic writes it. */
function json(value) {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return realText(value);
  if (isTime(value)) return JSON.stringify(timeText(value));
  if (isSpan(value)) return JSON.stringify(spanText(value));
  if (Array.isArray(value)) return '[' + value.map(json).join(',') + ']';
  if (isBag(value)) {
    return '{' + Object.entries(value).map(([k, v]) => JSON.stringify(k) + ':' + json(v)).join(',') + '}';
  }
  return JSON.stringify(value);
}

function text(value) {
  if (value === null || value === undefined) return '';
  if (isText(value)) return value;
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (isTime(value)) return timeText(value);
  if (isSpan(value)) return spanText(value);
  return json(value);
}

function time(value) {
  if (isTime(value)) return value;
  if (!isText(value)) return null;
  const found = /^\s*(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,7}))?)?\s*(Z|[+-]\d\d:?\d\d)?\s*$/.exec(value);
  if (!found) return null;
  const [, day, clock = '00:00', fraction = '', zone = 'Z'] = found;
  const seconds = clock.length === 5 ? clock + ':00' : clock;
  const offset = zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2');
  const made = new Date(`${day}T${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}${offset}`);
  return Number.isNaN(made.getTime()) ? null : made;
}

function span(value) {
  if (isSpan(value)) return value;
  if (!isText(value)) return null;
  const short = /^(-?\d+(?:\.\d+)?)(d|h|m|s)$/.exec(value);
  if (short) return new Span(Number(short[1]) * MS[short[2]]);
  const long = /^(-)?(?:(\d+)\.)?(\d\d?):(\d\d?)(?::(\d\d?)(?:\.(\d{1,7}))?)?$/.exec(value);
  if (!long) return null;
  const [, minus, days = 0, hours, minutes, seconds = 0, fraction = '0'] = long;
  const ms = days * MS.d + hours * MS.h + minutes * MS.m + seconds * MS.s + Number(`0.${fraction}`) * 1000;
  return new Span(minus ? -ms : ms);
}

function real(value) {
  if (isNumber(value)) return Number(value);
  if (typeof value === 'boolean') return Number(value);
  if (isText(value) && value.trim() !== '' && !Number.isNaN(Number(value))) return Number(value);
  return null;
}

function long(value) {
  if (typeof value === 'bigint') return value;
  if (isText(value) && !/^\s*[+-]?\d+\s*$/.test(value)) return null;
  const number = real(value);
  return number === null || !Number.isFinite(number) ? null : BigInt(Math.trunc(number));
}

function bool(value) {
  if (typeof value === 'boolean') return value;
  if (isNumber(value)) return Number(value) !== 0;
  const word = isText(value) ? value.toLowerCase() : '';
  return word === 'true' || word === '1' ? true : word === 'false' || word === '0' ? false : null;
}

/** A value turned into a type, as `tostring` and its like do. */
function convert(value, type) {
  if (value === null || value === undefined) return nothing(type);
  switch (type) {
    case 'string': return text(value);
    case 'long': case 'int': return long(value);
    case 'real': case 'double': case 'decimal': return real(value);
    case 'datetime': return time(value);
    case 'timespan': return span(value);
    case 'bool': case 'boolean': return bool(value);
    case 'dynamic': return value;
    case 'guid': return isText(value) && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value) ? value.toLowerCase() : null;
    default: throw new Unsupported(`type ${type}`);
  }
}

/** A number by which two values of a type that has an order compare; texts compare by themselves. */
function rank(value) {
  if (isTime(value)) return value.getTime();
  if (isSpan(value)) return value.ms;
  if (typeof value === 'boolean') return Number(value);
  return value;
}

function compare(a, b) {
  const [x, y] = [rank(a), rank(b)];
  if (typeof x === 'object' || typeof y === 'object') throw new Unsupported(`an order of ${json(a)} and ${json(b)}`);
  if (isText(x) !== isText(y)) throw new Unsupported(`to compare ${json(a)} with ${json(b)}`);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** One text for equal values, another for others: for groups and sets. */
function key(value) {
  if (isNumber(value)) return 'n' + Number(value);
  if (value === null || typeof value !== 'object') return typeof value + String(value);
  return 'o' + json(value);
}

function equal(a, b) {
  if (a !== null && b !== null && (typeof a === 'object' || typeof b === 'object')) return key(a) === key(b);
  return compare(a, b) === 0;
}

/** `a op b` for the signs of arithmetic. */
function arithmetic(op, a, b) {
  if (a === null || b === null) return null;
  if (op === '+' && isTime(a) && isSpan(b)) return new Date(a.getTime() + b.ms);
  if (op === '+' && isSpan(a) && isTime(b)) return new Date(b.getTime() + a.ms);
  if (op === '-' && isTime(a) && isSpan(b)) return new Date(a.getTime() - b.ms);
  if (op === '-' && isTime(a) && isTime(b)) return new Span(a.getTime() - b.getTime());
  if (isSpan(a) && isSpan(b)) {
    if (op === '+') return new Span(a.ms + b.ms);
    if (op === '-') return new Span(a.ms - b.ms);
    if (op === '/') return a.ms / b.ms;
    if (op === '%') return new Span(a.ms % b.ms);
  }
  if (op === '*' && isSpan(a) && isNumber(b)) return new Span(a.ms * Number(b));
  if (op === '*' && isNumber(a) && isSpan(b)) return new Span(b.ms * Number(a));
  if (op === '/' && isSpan(a) && isNumber(b)) return new Span(a.ms / Number(b));
  if (!isNumber(a) || !isNumber(b)) throw new Unsupported(`${json(a)} ${op} ${json(b)}`);
  const whole = typeof a === 'bigint' && typeof b === 'bigint';
  if (whole && (op === '/' || op === '%') && b === 0n) return null;
  const [x, y] = whole ? [a, b] : [Number(a), Number(b)];
  switch (op) {
    case '+': return x + y;
    case '-': return x - y;
    case '*': return x * y;
    case '/': return x / y;
    default: return x % y;
  }
}

/** `bin`: rounds down to a multiple. */
function bin(value, width) {
  if (value === null || width === null) return null;
  if (isTime(value)) return new Date(Math.floor((value.getTime() + EPOCH) / width.ms) * width.ms - EPOCH);
  if (isSpan(value)) return new Span(Math.floor(value.ms / width.ms) * width.ms);
  const rounded = Math.floor(Number(value) / Number(width)) * Number(width);
  return typeof value === 'bigint' && typeof width === 'bigint' ? BigInt(rounded) : rounded;
}

module.exports = {
  Span, Unsupported, MS, nothing, fromJson, parseJson, json, text, time, span, real, long, bool, convert,
  compare, equal, key, arithmetic, bin, isText, isNumber, isTime, isSpan, isBag,
};
