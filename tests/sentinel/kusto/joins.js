// join and lookup.
'use strict';

const { kind, list, word } = require('./language');
const v = require('./values');

/** The pairs of columns that must be equal. */
function conditions(node) {
  const clause = node.ConditionClause ?? node.LookupClause;
  if (kind(clause) !== 'JoinOnClause') throw new v.Unsupported('join where');
  return list(clause.Expressions).flatMap(function pair(one) {
    if (kind(one) === 'NameReference') return [[word(one), word(one)]];
    if (kind(one) === 'AndExpression') return [...pair(one.Left), ...pair(one.Right)];
    if (kind(one) !== 'EqualExpression') throw new v.Unsupported(`join on ${one.ToString().trim()}`);
    const sides = [one.Left, one.Right].map((path) => [word(path.Expression), word(path.Selector)]);
    const side = (name) => sides.find(([of]) => of === name)?.[1];
    return [[side('$left'), side('$right')]];
  });
}

const parameter = (node, name) => {
  const found = list(node.Parameters).find((one) => word(one.Name).toLowerCase() === name);
  return found && found.Expression.ToString().trim();
};

const blank = (columns) => Object.fromEntries([...columns].map(([name, type]) => [name, v.nothing(type)]));

/** Rows by the values of their columns. A null equals nothing, so a row with one is in no group. */
function indexed(rows, names) {
  const groups = new Map();
  for (const row of rows) {
    const id = identity(row, names);
    if (id === null) continue;
    if (!groups.has(id)) groups.set(id, []);
    groups.get(id).push(row);
  }
  return groups;
}

function identity(row, names) {
  const values = names.map((name) => row[name]);
  return values.includes(null) ? null : values.map(v.key).join('\u0000');
}

function join(node, left, scope, compileTable) {
  const right = compileTable(node.Expression, scope);
  const how = parameter(node, 'kind') ?? 'innerunique';
  const pairs = conditions(node);
  for (const [l, r] of pairs) {
    if (!left.columns.has(l) || !right.columns.has(r)) throw new v.Unsupported(`join on ${l} and ${r}, of which one is not there`);
  }
  const [leftNames, rightNames] = [pairs.map(([l]) => l), pairs.map(([, r]) => r)];
  const semi = { leftsemi: true, leftanti: false }[how];
  if (semi !== undefined) {
    const run = (at) => {
      const index = indexed(right.run(at), rightNames);
      return left.run(at).filter((row) => index.has(identity(row, leftNames)) === semi);
    };
    return { columns: left.columns, ingested: false, run };
  }
  if (!['inner', 'innerunique', 'leftouter', 'rightouter', 'fullouter'].includes(how)) throw new v.Unsupported(`join kind=${how}`);
  const columns = new Map(left.columns);
  const renamed = [...right.columns].map(([name, type]) => {
    let made = name;
    for (let n = 1; columns.has(made); n++) made = `${name}${n}`;
    columns.set(made, type);
    return [name, made];
  });
  const merged = (l, r) => ({ ...l, ...Object.fromEntries(renamed.map(([name, made]) => [made, r[name]])) });
  const run = (at) => {
    let rows = left.run(at);
    if (how === 'innerunique') {
      const seen = new Set();
      rows = rows.filter((row) => { const id = identity(row, leftNames); return id !== null && !seen.has(id) && seen.add(id); });
    }
    const all = right.run(at);
    const index = indexed(all, rightNames);
    const met = new Set();
    const made = rows.flatMap((row) => {
      const matches = index.get(identity(row, leftNames)) ?? [];
      matches.forEach((match) => met.add(match));
      if (matches.length) return matches.map((match) => merged(row, match));
      return ['leftouter', 'fullouter'].includes(how) ? [merged(row, blank(right.columns))] : [];
    });
    if (!['rightouter', 'fullouter'].includes(how)) return made;
    return [...made, ...all.filter((row) => !met.has(row)).map((row) => merged(blank(left.columns), row))];
  };
  return { columns, ingested: false, run };
}

/** Like a join with a small table, of which the columns of the condition are left out. */
function lookup(node, left, scope, compileTable) {
  const right = compileTable(node.Expression, scope);
  const how = parameter(node, 'kind') ?? 'leftouter';
  if (!['leftouter', 'inner'].includes(how)) throw new v.Unsupported(`lookup kind=${how}`);
  const pairs = conditions(node);
  const added = [...right.columns].filter(([name]) => !pairs.some(([, r]) => r === name));
  if (added.some(([name]) => left.columns.has(name))) throw new v.Unsupported('lookup of a column that is there already');
  const run = (at) => {
    const index = indexed(right.run(at), pairs.map(([, r]) => r));
    return left.run(at).flatMap((row) => {
      const matches = index.get(identity(row, pairs.map(([l]) => l))) ?? (how === 'leftouter' ? [blank(right.columns)] : []);
      return matches.map((match) => ({ ...row, ...Object.fromEntries(added.map(([name]) => [name, match[name]])) }));
    });
  };
  return { columns: new Map([...left.columns, ...added]), ingested: false, run };
}

module.exports = { join, lookup };
