// Scalar functions by name. `plain` ones take their arguments' values, `lazy` ones the arguments.
'use strict';

const crypto = require('node:crypto');
const net = require('node:net');
const v = require('./values');
const { regex } = require('./strings');

/** Null where an argument is null. */
const strict = (of) => (args, at) => (args.some((arg) => arg === null) ? null : of(...args, at));
const onText = (of) => (args) => of(...args.map(v.text));
const size = (value) => (value === null ? null : Number(value));
const empty = (value) => value === null || value === '';
const shift = (time, ms) => new Date(time.getTime() + ms);

/** The start of the unit that a time is in, moved by some units. */
function startOf(unit, time, by = 0n) {
  const [year, month, day] = [time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate()];
  const moved = Number(by);
  switch (unit) {
    case 'day': return new Date(Date.UTC(year, month, day + moved));
    case 'week': return new Date(Date.UTC(year, month, day - time.getUTCDay() + 7 * moved));
    case 'month': return new Date(Date.UTC(year, month + moved, 1));
    default: return new Date(Date.UTC(year + moved, 0, 1));
  }
}

const start = (unit) => ([time, by = 0n]) => (time === null ? null : startOf(unit, time, by));
const end = (unit) => ([time, by = 0n]) => (time === null ? null : shift(startOf(unit, time, by + 1n), -1));

/** How many borders of the unit lie between two times. */
function datetimeDiff(unit, a, b) {
  if (a === null || b === null) return null;
  const ms = { day: v.MS.d, hour: v.MS.h, minute: v.MS.m, second: 1000, millisecond: 1 }[unit.toLowerCase()];
  if (!ms) throw new v.Unsupported(`datetime_diff by ${unit}`);
  return BigInt(Math.floor(a.getTime() / ms) - Math.floor(b.getTime() / ms));
}

const two = (n) => String(n).padStart(2, '0');

function formatTime(time, format) {
  if (time === null) return '';
  const parts = {
    yyyy: () => String(time.getUTCFullYear()), MM: () => two(time.getUTCMonth() + 1), dd: () => two(time.getUTCDate()),
    HH: () => two(time.getUTCHours()), mm: () => two(time.getUTCMinutes()), ss: () => two(time.getUTCSeconds()),
    fff: () => String(time.getUTCMilliseconds()).padStart(3, '0'),
  };
  return format.replace(/([A-Za-z])\1*/g, (part) => {
    if (!parts[part]) throw new v.Unsupported(`format_datetime with ${part}`);
    return parts[part]();
  });
}

/** The parts of an absolute address; empty ones of anything else. */
function parseUrl(text) {
  const parts = { Scheme: '', Host: '', Port: '', Path: '', Username: '', Password: '', 'Query Parameters': {}, Fragment: '' };
  const found = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(?:([^:@/?#]*)(?::([^@/?#]*))?@)?([^:/?#]*)(?::(\d+))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text);
  if (!found) return parts;
  const [, Scheme, Username = '', Password = '', Host, Port = '', Path, query = '', Fragment = ''] = found;
  const pairs = query.split('&').filter(Boolean).map((pair) => [pair.split('=')[0], pair.split('=').slice(1).join('=')]);
  return { Scheme, Host, Port, Path, Username, Password, 'Query Parameters': Object.fromEntries(pairs), Fragment };
}

const isIpv4 = (text) => net.isIPv4(text.split('/')[0]);
const ipv4 = (text) => text.split('/')[0].split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const ranges = [['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16]];
const isPrivate = (text) => ranges.some(([net4, bits]) => Math.floor(ipv4(text) / 2 ** (32 - bits)) === Math.floor(ipv4(net4) / 2 ** (32 - bits)));

/** Whether an address in a text is one of, or begins with one of, some that end with a dot. */
function hasIpv4Prefix([text, ...prefixes]) {
  const found = v.text(text).match(/(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])/g) ?? [];
  const wanted = prefixes.flat().map(v.text);
  return found.some((one) => wanted.some((prefix) => one === prefix || (prefix.endsWith('.') && one.startsWith(prefix))));
}

/** `extract`: a group of the first match, with a type where one is asked for. */
function extract([pattern, group, text]) {
  const found = regex(v.text(pattern)).exec(v.text(text));
  return found?.[Number(group)] ?? '';
}

function substring([text, from, length]) {
  const begin = Math.max(0, Number(from));
  return length === undefined ? text.slice(begin) : text.slice(begin, begin + Math.max(0, Number(length)));
}

const trims = (ends) => ([pattern, text]) => {
  const within = ends !== 'end' ? text.replace(regex(`^(?:${pattern})`), '') : text;
  return ends !== 'start' ? within.replace(regex(`(?:${pattern})$`), '') : within;
};

const arrays = (...given) => given.map((value) => {
  if (!Array.isArray(value)) throw new v.Unsupported(`an array function of ${v.json(value)}`);
  return value;
});
const distinct = (values) => [...new Map(values.map((value) => [v.key(value), value])).values()];

const plain = {
  now: ([by], at) => (by ? shift(at.now, by.ms) : at.now),
  ago: strict((by, at) => shift(at.now, -by.ms)),
  bin: ([value, width]) => v.bin(value, width),
  floor: ([value, width]) => v.bin(value, width),
  startofday: start('day'), startofweek: start('week'), startofmonth: start('month'), startofyear: start('year'),
  endofday: end('day'), endofweek: end('week'), endofmonth: end('month'), endofyear: end('year'),
  dayofweek: strict((time) => new v.Span(time.getUTCDay() * v.MS.d)),
  hourofday: strict((time) => BigInt(time.getUTCHours())),
  datetime_diff: ([unit, a, b]) => datetimeDiff(unit, a, b),
  datetime_add: strict((unit, n, time) => {
    const ms = { day: v.MS.d, hour: v.MS.h, minute: v.MS.m, second: 1000 }[unit.toLowerCase()];
    if (!ms) throw new v.Unsupported(`datetime_add by ${unit}`);
    return shift(time, ms * Number(n));
  }),
  format_datetime: ([time, format]) => formatTime(time, format),

  tostring: ([value]) => v.text(value), todynamic: ([value]) => v.parseJson(value), parse_json: ([value]) => v.parseJson(value),
  tolong: ([value]) => v.long(value), toint: ([value]) => v.long(value), toreal: ([value]) => v.real(value),
  todouble: ([value]) => v.real(value), tobool: ([value]) => v.bool(value), todatetime: ([value]) => v.time(value),
  totimespan: ([value]) => v.span(value), toguid: ([value]) => v.convert(value, 'guid'),

  isempty: ([value]) => empty(value), isnotempty: ([value]) => !empty(value),
  isnull: ([value]) => value === null, isnotnull: ([value]) => value !== null,
  not: ([value]) => (value === null ? null : !value),
  gettype: ([value]) => (value === null ? 'null' : Array.isArray(value) ? 'array' : v.isBag(value) ? 'dictionary' : v.isText(value) ? 'string' : typeof value === 'bigint' ? 'long' : 'real'),

  strlen: onText((text) => BigInt([...text].length)),
  tolower: onText((text) => text.toLowerCase()), toupper: onText((text) => text.toUpperCase()),
  strcat: (args) => args.map(v.text).join(''),
  strcat_delim: ([by, ...args]) => args.map(v.text).join(by),
  strcat_array: ([array, by]) => (array ?? []).map(v.text).join(by),
  split: ([text, by, index]) => {
    const parts = v.text(text).split(by);
    return index === undefined ? parts : parts.slice(Number(index), Number(index) + 1);
  },
  substring, extract,
  extract_all: ([pattern, text]) => {
    const found = [...v.text(text).matchAll(regex(pattern, 'g'))].map((one) => (one.length === 2 ? one[1] : one.slice(1)));
    return found.length ? found : null;
  },
  trim: trims('both'), trim_start: trims('start'), trim_end: trims('end'),
  replace_string: ([text, from, to]) => v.text(text).split(from).join(to),
  replace_regex: ([text, pattern, to]) => v.text(text).replace(regex(pattern, 'g'), to.replace(/\\(\d)/g, '$$$1')),
  indexof: onText((text, part) => BigInt(text.indexOf(part))),
  countof: onText((text, part) => BigInt(text.split(part).length - 1)),
  reverse: onText((text) => [...text].reverse().join('')),
  parse_url: ([text]) => parseUrl(v.text(text)),
  url_decode: onText((text) => decodeURIComponent(text)),
  hash_sha256: onText((text) => crypto.createHash('sha256').update(text).digest('hex')),
  parse_ipv4: onText((text) => (isIpv4(text) ? BigInt(ipv4(text)) : null)),
  ipv4_is_private: onText((text) => (isIpv4(text) ? isPrivate(text) : null)),
  has_any_ipv4_prefix: hasIpv4Prefix, has_ipv4_prefix: hasIpv4Prefix,
  parse_ipv6: onText((text) => {
    if (!net.isIP(text)) return '';
    throw new v.Unsupported('parse_ipv6 of an address');
  }),

  round: strict((value, digits) => {
    const scale = 10 ** (size(v.isNumber(digits) ? digits : 0n) ?? 0);
    return Math.round(Number(value) * scale) / scale;
  }),
  abs: strict((value) => (v.isSpan(value) ? new v.Span(Math.abs(value.ms)) : value < 0 ? -value : value)),
  max_of: (args) => args.filter((arg) => arg !== null).reduce((a, b) => (v.compare(a, b) >= 0 ? a : b), args.find((arg) => arg !== null) ?? null),
  min_of: (args) => args.filter((arg) => arg !== null).reduce((a, b) => (v.compare(a, b) <= 0 ? a : b), args.find((arg) => arg !== null) ?? null),
  pow: strict((a, b) => Number(a) ** Number(b)), log: strict((a) => Math.log(Number(a))), sqrt: strict((a) => Math.sqrt(Number(a))),
  ceiling: strict((a) => (typeof a === 'bigint' ? a : Math.ceil(a))),

  array_length: ([array]) => (Array.isArray(array) ? BigInt(array.length) : null),
  array_concat: (args) => arrays(...args).flat(),
  array_slice: ([array, from, to]) => array?.slice(Number(from), to === -1n ? undefined : Number(to) + 1) ?? null,
  array_sort_asc: ([array]) => array && [...array].sort(v.compare),
  array_sort_desc: ([array]) => array && [...array].sort((a, b) => v.compare(b, a)),
  array_index_of: ([array, value]) => BigInt((array ?? []).findIndex((one) => v.equal(one, value))),
  set_has_element: ([array, value]) => (array === null ? null : array.some((one) => v.key(one) === v.key(value))),
  set_union: (args) => distinct(args.filter((arg) => arg !== null).flat()),
  set_intersect: (args) => distinct(arrays(...args)[0].filter((one) => args.every((array) => array.some((other) => v.key(other) === v.key(one))))),
  set_difference: ([first, ...rest]) => distinct(first.filter((one) => !rest.some((array) => array.some((other) => v.key(other) === v.key(one))))),
  pack_array: (args) => args,
  bag_pack: (args) => Object.fromEntries(args.flatMap((arg, i) => (i % 2 ? [] : [[v.text(arg), args[i + 1]]]))),
  bag_keys: ([bag]) => (v.isBag(bag) ? Object.keys(bag) : null),
  bag_merge: (args) => Object.assign({}, ...args.filter((bag) => v.isBag(bag)).reverse()),
  range: ([from, to, step = 1n]) => {
    const all = [];
    for (let x = from; v.compare(x, to) <= 0; x = v.arithmetic('+', x, step)) all.push(x);
    return all;
  },
};
plain.pack = plain.bag_pack;
plain.todecimal = plain.toreal;

const lazy = {
  iff: ([when, then, otherwise]) => (row, at) => (when(row, at) === true ? then(row, at) : otherwise(row, at)),
  case: (args) => (row, at) => {
    for (let i = 0; i + 1 < args.length; i += 2) if (args[i](row, at) === true) return args[i + 1](row, at);
    return args.at(-1)(row, at);
  },
  coalesce: (args) => (row, at) => {
    for (const arg of args) { const value = arg(row, at); if (!empty(value)) return value; }
    return null;
  },
};
lazy.iif = lazy.iff;

module.exports = { plain, lazy };
