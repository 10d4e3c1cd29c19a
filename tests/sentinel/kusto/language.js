// The official language service: parses and binds, and says what each part of a query is.
'use strict';

const base = '@kusto/language-service-next/';
// Two scripts that put what they define into global names.
require(`${base}bridge.min.js`);
require(`${base}Kusto.Language.Bridge.min.js`);

const { Language } = globalThis.Kusto;
const { Symbols, Syntax, KustoCode, GlobalState, Binding, Editor } = Language;

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

const quoted = (name) => `['${name}']`;

const table = (name, columns) => Symbols.TableSymbol.From(`(${columns.map(([column, type]) => `${quoted(column)}:${type}`).join(', ')})`).WithName(name);

const database = (symbols) => GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor1('workspace', symbols, false));

/**
 * What queries may name: `tables` as {name: {column: type}}, `functions` as {name, parameters, body}.
 *
 * Each function is bound once, by itself, when it is first named; to queries it is a function that
 * gives the columns that were found. The service would bind its body anew in every query, which
 * takes most of a minute.
 */
class Workspace {
  constructor(tables, functions) {
    this.tables = tables;
    this.functions = functions;
    this.symbols = Object.entries(tables).map(([name, columns]) => table(name, Object.entries(columns)));
    /** The declarations of the functions that were named. */
    this.declarations = new Map();
    this.bound = new Map();
  }

  /** Parses and binds: the tree, what the service objects to, and the columns of the result. */
  bind(text) {
    if (!this.bound.has(text)) {
      const said = text.replace(/^\s*\/\/.*$/gm, '');
      this.functions.filter(({ name, body }) => body !== text && new RegExp(`\\b${name}\\b`).test(said)).forEach((one) => this.declare(one));
      this.state ??= database(this.symbols);
      this.bound.set(text, bind(text, this.state));
    }
    return this.bound.get(text);
  }

  declare({ name, parameters, body }) {
    if (this.declarations.has(name)) return;
    this.declarations.set(name, null);
    const { code, columns } = this.bind(`let ${name} = (${parameters ?? ''}) {${body}\n};\n${name}()`);
    this.declarations.set(name, list(code.Syntax.Statements)[0].Expression);
    const gives = table(name, columns.filter(({ type }) => type !== 'unknown').map((column) => [column.name, column.type]));
    const declared = new Symbols.FunctionSymbol.$ctor16(name, `(${parameters ?? ''})`, '{print 1}', null).Signatures.getItem(0).Parameters;
    this.symbols.push(new Symbols.FunctionSymbol.$ctor6(name, gives, declared, null));
    this.state = undefined;
  }
}

/** Where in the text: line and column. */
function place(text, offset) {
  const lines = text.slice(0, offset).split('\n');
  return `${lines.length}:${lines.at(-1).length + 1}`;
}

function bind(text, state) {
  const code = KustoCode.ParseAndAnalyze(text, state);
  const faults = [...list(code.GetDiagnostics()), ...analyzed(code)].map((fault) => ({
    severity: fault.Severity, code: fault.Code, message: `${place(text, fault.Start)} ${fault.Message}`,
  }));
  return { code, faults, columns: columnsOf(code.ResultType) };
}

/** What the service's analyzers advise against, which its editor underlines. */
function analyzed(code) {
  const found = new (globalThis.System.Collections.Generic.List$1(Language.Diagnostic).ctor)();
  list(Editor.KustoAnalyzers.All).forEach((analyzer) => analyzer.Analyze(code, found));
  return list(found);
}

/** The keywords that must be quoted as names of columns: where a column is used, where one is made, or as members. */
function keywords() {
  const texts = Object.values(Syntax.SyntaxKind).filter((kind) => typeof kind === 'number').map((kind) => Syntax.SyntaxFacts.GetText(kind));
  const words = [...new Set(texts)].filter((text) => /^[A-Za-z_]\w*$/.test(text ?? ''));
  const isWrong = (text, name) => bind(text, database([table('source', [[name, 'string'], ['bag', 'dynamic']])])).faults.some((fault) => fault.severity === 'Error');
  const isRefused = (name) => ['Made = NAME', "NAME = 'text'", 'Made = bag.NAME'].some((made) => isWrong(`source | project ${made.replace('NAME', name)}`, name));
  return words.filter(isRefused).sort();
}

const columnsOf = (type) => list(type?.Columns).map((column) => ({ name: column.Name, type: typeName(column.Type) }));

/** The name that the service gives to an expression without one; undefined where it gives none. */
const resultName = (expression) => Binding.Binder.GetExpressionResultName(expression, null, null) || undefined;

module.exports = { kind, list, word, typeName, Workspace, columnsOf, resultName, keywords };
