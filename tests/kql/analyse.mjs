// What Microsoft's analyser of KQL makes of queries: their diagnostics and their result columns.
// Reads {"tables": {name: {column: type}}, "queries": {name: text}} from its input and writes
// {name: {"diagnostics": [text], "columns": {name: type}}} to its output.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// The package comes as two scripts that extend the global object, each in terms of the other.
const require = createRequire(import.meta.url);
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");
const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;

const asked = JSON.parse(readFileSync(0, "utf8"));
const tables = Object.entries(asked.tables).map(([name, columns]) => new Symbols.TableSymbol.$ctor4(
  name,
  Object.entries(columns).map(([column, type]) =>
    new Symbols.ColumnSymbol(column, Symbols.ScalarTypes.GetSymbol(type))),
));
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("Logs", tables));

function each(list, value) {
  return Array.from({ length: list.Count }, (_, index) => value(list.getItem(index)));
}

function finding(text) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  return {
    diagnostics: each(code.GetDiagnostics(), (one) => `at ${one.Start}: ${one.Message}`),
    columns: Object.fromEntries(each(code.ResultType.Columns, (one) => [one.Name, one.Type.Name])),
  };
}

const findings = Object.entries(asked.queries).map(([name, text]) => [name, finding(text)]);
process.stdout.write(JSON.stringify(Object.fromEntries(findings)));
