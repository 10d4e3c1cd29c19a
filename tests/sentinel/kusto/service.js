// Answers the tests: one JSON request a line, one JSON answer a line.
//
// bind: {tables: {name: {column: type}}, functions, queries: [text]} -> [{faults, columns}]
// run:  {tables: {name: {columns: {column: type}, rows}}, functions, query, at: [time], period} ->
//       {columns, results: [rows, one for each time]}
'use strict';

const readline = require('node:readline');
const { bind, globals } = require('./language');
const { prepare, stored, shown } = require('./evaluate');
const { time, span } = require('./values');

const requests = {
  bind({ tables, functions, queries }) {
    const state = globals(tables, functions);
    return queries.map((text) => { const { faults, columns } = bind(text, state); return { faults, columns }; });
  },
  run({ tables, functions, query, at, period }) {
    const entries = Object.entries(tables);
    const schemas = Object.fromEntries(entries.map(([name, { columns }]) => [name, columns]));
    const rows = Object.fromEntries(entries.map(([name, table]) => [name, stored(table.columns, table.rows)]));
    const { columns, run } = prepare(query, functions, schemas);
    const results = at.map((now) => run({ tables: rows, now: time(now), period: period && span(period) }).map((row) => shown(columns, row)));
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
