// Answers the tests: one JSON request a line, one JSON answer a line.
//
// load: {tables: {name: {columns: {column: type}, rows}}, functions}, for what follows
// bind: {queries: [text]} -> [{faults, columns}]
// keywords: {} -> [word]
// run:  {query, at: [time], period, late, window} -> {columns, results: [rows, one for each time]}
'use strict';

const readline = require('node:readline');
const { Workspace, keywords } = require('./language');
const { prepare, stored, shown } = require('./evaluate');
const { time, span } = require('./values');

let workspace;
let rows;
/** What functions gave, by what was seen when. */
let moments;
/** Workspaces by their columns and functions: what they have bound is right for other rows too. */
const known = new Map();

const each = (object, change) => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));

const requests = {
  load({ tables, functions }) {
    const schemas = each(tables, (table) => table.columns);
    const id = JSON.stringify([schemas, functions]);
    if (!known.has(id)) known.set(id, new Workspace(schemas, functions));
    workspace = known.get(id);
    moments = new Map();
    rows = each(tables, (table) => stored(table.columns, table.rows));
    return null;
  },
  bind({ queries }) {
    return queries.map((text) => { const { faults, columns } = workspace.bind(text); return { faults, columns }; });
  },
  keywords,
  run({ query, at, period, late, window }) {
    const { code, faults } = workspace.bind(query);
    const errors = faults.filter((fault) => fault.severity === 'Error');
    if (errors.length) throw new Error(errors.map((fault) => fault.message).join('; '));
    const { columns, run } = prepare(code, workspace);
    const seen = { tables: rows, period: period && span(period), late: late && span(late), window: window?.map(time) };
    const results = at.map((now) => {
      const moment = JSON.stringify([now, period, late, window]);
      // Many times are those of a schedule, of which no other query asks.
      if (!moments.has(moment) && at.length === 1) moments.set(moment, new Map());
      return run({ ...seen, now: time(now), moment: moments.get(moment) }).map((row) => shown(columns, row));
    });
    return { columns: [...columns].map(([name, type]) => ({ name, type })), results };
  },
};

/** Errors of the service carry their message elsewhere than those of JavaScript. */
const message = (error) => error?.message ?? String(error);

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  let answer;
  try {
    const { kind, ...request } = JSON.parse(line);
    answer = { answer: requests[kind](request) };
  } catch (error) {
    answer = { error: message(error), stack: process.env.KUSTO_STACK && String(error.stack).split('\n').slice(-12).map((s) => s.slice(0, 160)).join('\n') };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
});
