// Asks TypeScript's language service about a corpus: `node names_typescript.js WHAT CORPUS < PLACES`.
//
//     sites         prints every name in the corpus that refers to something: [path, row, column, name, group]
//     definitions   reads [[path, row, column], …] and prints, for each, the places of its definitions
//     references    reads the same and prints, for each, the places of its uses
//
// Rows and columns count from zero, columns in UTF-8 bytes; paths are relative to the corpus. Needs the
// package `typescript`, from where NODE_PATH points to.
'use strict';
const fs = require('fs');
const path = require('path');
const ts = require('typescript');

const SUFFIXES = /\.(?:[cm]?[jt]s|[jt]sx)$/;

function filesBelow(folder) {
  const found = [];
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const inner = path.join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.')) {
      found.push(...filesBelow(inner));
    } else if (entry.isFile() && SUFFIXES.test(entry.name)) {
      found.push(inner);
    }
  }
  return found.sort();
}

function serviceOf(files) {
  const options = {
    allowJs: true, target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, jsx: ts.JsxEmit.Preserve,
    moduleResolution: ts.ModuleResolutionKind.Bundler, strict: true, skipLibCheck: true, types: [],
    allowImportingTsExtensions: true, noEmit: true, experimentalDecorators: true,
  };
  return ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => files,
    getScriptVersion: () => '1',
    getScriptSnapshot: (name) =>
      fs.existsSync(name) ? ts.ScriptSnapshot.fromString(fs.readFileSync(name, 'utf8')) : undefined,
    getCurrentDirectory: () => corpus,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists, readFile: ts.sys.readFile, readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists, getDirectories: ts.sys.getDirectories,
  });
}

function placeOf(file, position) {
  const { line, character } = file.getLineAndCharacterOfPosition(position);
  const start = position - character;
  return [path.relative(corpus, file.fileName), line, Buffer.byteLength(file.text.slice(start, position))];
}

function positionOf(file, row, column) {
  const start = file.getLineStarts()[row];
  return start + Buffer.from(file.text.slice(start)).subarray(0, column).toString('utf8').length;
}

const inCorpus = (file) => wanted.has(file.fileName);

function symbolAt(node) {
  const parent = node.parent;
  let symbol = ts.isShorthandPropertyAssignment(parent)
    ? checker.getShorthandAssignmentValueSymbol(parent)
    : ts.isExportSpecifier(parent)
      ? checker.getExportSpecifierLocalTargetSymbol(parent)
      : checker.getSymbolAtLocation(node);
  return symbol;
}

// An import stands for what it leads to, but may share its name with a variable, as the import of a type does.
function declarationsOf(symbol) {
  if (!symbol) return [];
  const own = symbol.declarations || [];
  if (!(symbol.flags & ts.SymbolFlags.Alias)) return own;
  const aliased = checker.getAliasedSymbol(symbol).declarations || [];
  return [...aliased, ...own.filter((one) => !ALIASES.has(one.kind))];
}

const ALIASES = new Set([
  ts.SyntaxKind.ImportSpecifier, ts.SyntaxKind.ImportClause, ts.SyntaxKind.NamespaceImport,
  ts.SyntaxKind.ImportEqualsDeclaration, ts.SyntaxKind.ExportSpecifier, ts.SyntaxKind.NamespaceExport,
  ts.SyntaxKind.ExportAssignment,
]);

// A module is declared where its file begins, before its first comment.
function declaredAt(one) {
  const file = one.getSourceFile();
  return placeOf(file, one === file ? 0 : (ts.getNameOfDeclaration(one) || one).getStart(file));
}

function isLocal(declaration) {
  if (!(ts.isVariableDeclaration(declaration) || ts.isParameter(declaration) || ts.isBindingElement(declaration)
    || ts.isTypeParameterDeclaration(declaration) || ts.isFunctionDeclaration(declaration))) return false;
  return Boolean(ts.findAncestor(declaration.parent, (one) => ts.isFunctionLike(one)
    || ts.isTypeParameterDeclaration(declaration)));
}

function groupOf(node, declarations) {
  const parent = node.parent;
  if (declarations.length && declarations.every(isLocal)) return 'local';
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent) || ts.isImportClause(parent)
    || ts.isNamespaceImport(parent)) return 'import';
  if ((ts.isPropertyAccessExpression(parent) && parent.name === node)
    || (ts.isQualifiedName(parent) && parent.right === node)
    || (ts.isBindingElement(parent) && parent.propertyName === node)) return 'member';
  return ts.isTypeReferenceNode(parent) || ts.isExpressionWithTypeArguments(parent) ? 'type' : 'name';
}

function isReference(node) {
  const parent = node.parent;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return true;
  if (ts.isImportClause(parent) || ts.isNamespaceImport(parent)) return false;
  if (ts.isBindingElement(parent) && parent.propertyName === node) return true;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  if (ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent)) return false;
  if (ts.isJsxAttribute(parent) || ts.isMetaProperty(parent)) return false;
  return parent.name !== node || ts.isPropertyAccessExpression(parent);
}

function* sites() {
  for (const name of files) {
    const file = program.getSourceFile(name);
    const pending = [file];
    while (pending.length) {
      const node = pending.pop();
      if ((ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) && node.text && isReference(node)) {
        const declarations = declarationsOf(symbolAt(node));
        if (declarations.some((one) => inCorpus(one.getSourceFile()))) {
          yield [...placeOf(file, node.getStart(file)), node.getText(file), groupOf(node, declarations)];
        }
      }
      ts.forEachChild(node, (child) => { pending.push(child); });
    }
  }
}

function nodeAt(file, position) {
  let found = file;
  const enter = (node) => {
    if (node.getStart(file) <= position && position < node.getEnd()) { found = node; ts.forEachChild(node, enter); }
  };
  ts.forEachChild(file, enter);
  return found;
}

function unique(places) {
  return [...new Map(places.map((one) => [one.join(':'), one])).values()];
}

function definitions([relative, row, column]) {
  const name = path.join(corpus, relative);
  const file = program.getSourceFile(name);
  const position = positionOf(file, row, column);
  const places = [];
  for (const one of service.getDefinitionAtPosition(name, position) || []) {
    if (wanted.has(one.fileName)) {
      places.push(placeOf(program.getSourceFile(one.fileName), one.textSpan.start));
    }
  }
  // An overload stands for its function: all declarations of the symbol count.
  for (const one of declarationsOf(symbolAt(nodeAt(file, position)))) {
    if (inCorpus(one.getSourceFile())) places.push(declaredAt(one));
  }
  return unique(places);
}

function references([relative, row, column]) {
  const name = path.join(corpus, relative);
  const position = positionOf(program.getSourceFile(name), row, column);
  const places = [];
  for (const found of service.findReferences(name, position) || []) {
    for (const one of found.references) {
      const target = program.getSourceFile(one.fileName);
      // A name in a comment is no use, but may be what is defined there.
      if (wanted.has(one.fileName) && (one.isDefinition || !ts.isInComment(target, one.textSpan.start))) {
        places.push(placeOf(target, one.textSpan.start));
      }
    }
  }
  return unique(places);
}

const [what, folder] = process.argv.slice(2);
const corpus = fs.realpathSync(folder);
const files = filesBelow(corpus);
const wanted = new Set(files);
const service = serviceOf(files);
const program = service.getProgram();
const checker = program.getTypeChecker();
if (what === 'sites') {
  process.stdout.write(JSON.stringify([...sites()]));
} else {
  const places = JSON.parse(fs.readFileSync(0, 'utf8'));
  process.stdout.write(JSON.stringify(places.map(what === 'references' ? references : definitions)));
}
