// The official language service: parses and binds, and says what each part of a query is.
'use strict';

const base = '@kusto/language-service-next/';
// Two scripts that put what they define into global names.
require(`${base}bridge.min.js`);
require(`${base}Kusto.Language.Bridge.min.js`);

const { Language } = globalThis.Kusto;
const { Symbols, Syntax, KustoCode, GlobalState, Binding } = Language;

const kinds = new Map(Object.entries(Syntax.SyntaxKind).filter(([, n]) => typeof n === 'number').map(([k, n]) => [n, k]));

/** The kind of a node or token by name. */
const kind = (node) => kinds.get(node.Kind);

/** The elements of one of the service's lists, without the commas between them. */
function list(from) {
  const all = [];
  if (!from) return all;
  for (let i = 0; i < from.Count; i++) {
    const item = from.getItem(i);
    all.push(kinds.get(item.Kind) === 'SeparatedElement' ? item.Element$1 ?? item.GetChild(0) : item);
  }
  return all;
}

/** The text of a name or token without what stands around it. */
function word(node) {
  if (!node) return undefined;
  const name = node.SimpleName;
  return name ?? node.ToString().trim();
}

/** The type that the service found for a node or column. */
function typeName(type) {
  const name = type?.Name ?? 'unknown';
  return name.startsWith('dynamic') ? 'dynamic' : name;
}

const quoted = (name) => (/^[A-Za-z_]\w*$/.test(name) ? name : `['${name}']`);

/**
 * The names that a query may use: `tables` as {name: {column: type}}, `functions` as
 * {name, parameters, body}.
 */
function globals(tables, functions) {
  const symbols = Object.entries(tables).map(([name, columns]) => {
    const schema = Object.entries(columns).map(([column, type]) => `${quoted(column)}:${type}`);
    return Symbols.TableSymbol.From(`(${schema.join(', ')})`).WithName(name);
  });
  for (const { name, parameters, body } of functions) {
    symbols.push(new Symbols.FunctionSymbol.$ctor16(name, `(${parameters ?? ''})`, `{${body}\n}`, null));
  }
  return GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor1('workspace', symbols, false));
}

/** Where in the text: line and column. */
function place(text, offset) {
  const lines = text.slice(0, offset).split('\n');
  return `${lines.length}:${lines.at(-1).length + 1}`;
}

/** Parses and binds: the tree, what the service objects to, and the columns of the result. */
function bind(text, state) {
  const code = KustoCode.ParseAndAnalyze(text, state);
  const faults = list(code.GetDiagnostics()).map((fault) => ({
    severity: fault.Severity, code: fault.Code, message: `${place(text, fault.Start)} ${fault.Message}`,
  }));
  return { code, faults, columns: columnsOf(code.ResultType) };
}

const columnsOf = (type) => list(type?.Columns).map((column) => ({ name: column.Name, type: typeName(column.Type) }));

/** The name that the service gives to an expression without one; undefined where it gives none. */
const resultName = (expression) => Binding.Binder.GetExpressionResultName(expression, null, null) || undefined;

module.exports = { kind, list, word, typeName, globals, bind, columnsOf, resultName };
