// The operators that compare texts, by the name of their node.
'use strict';

const lower = (text) => text.toLowerCase();
const alphanumeric = (letter) => letter !== undefined && /[\p{L}\p{N}]/u.test(letter);

/** Where a term stands in a text as a whole word, at its start or at its end. */
function term(text, wanted, { start = true, end = true }) {
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const begins = !start || !alphanumeric(text[at - 1]);
    const ends = !end || !alphanumeric(text[at + wanted.length]);
    if (begins && ends) return true;
  }
  return false;
}

const expressions = new Map();

/** A pattern of Kusto's (RE2) as one of JavaScript's. */
function regex(pattern, flags = '') {
  const id = flags + pattern;
  if (!expressions.has(id)) {
    const [, words = '', rest] = /^(?:\(\?([ims]+)\))?(.*)$/s.exec(pattern);
    expressions.set(id, new RegExp(rest, [...new Set(flags + words)].join('')));
  }
  return expressions.get(id);
}

const sensitive = {
  Contains: (text, wanted) => text.includes(wanted),
  StartsWith: (text, wanted) => text.startsWith(wanted),
  EndsWith: (text, wanted) => text.endsWith(wanted),
  Has: (text, wanted) => term(text, wanted, {}),
  HasPrefix: (text, wanted) => term(text, wanted, { end: false }),
  HasSuffix: (text, wanted) => term(text, wanted, { start: false }),
};

const operators = {
  EqualTildeExpression: (a, b) => lower(a) === lower(b),
  BangTildeExpression: (a, b) => lower(a) !== lower(b),
  MatchesRegexExpression: (text, pattern) => regex(pattern).test(text),
};
for (const [word, holds] of Object.entries(sensitive)) {
  operators[`${word}Expression`] = (a, b) => holds(lower(a), lower(b));
  operators[`${word}CsExpression`] = holds;
  operators[`Not${word}Expression`] = (a, b) => !holds(lower(a), lower(b));
  operators[`Not${word}CsExpression`] = (a, b) => !holds(a, b);
}

module.exports = { ...operators, regex };
