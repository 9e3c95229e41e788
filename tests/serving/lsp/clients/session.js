// Ask the server with VS Code's own protocol library: it checks every message. Prints what came.
const { spawn } = require("child_process");
const rpc = require("vscode-languageserver-protocol/node");

const [root, ...command] = process.argv.slice(2);
const child = spawn(command[0], command.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
const connection = rpc.createProtocolConnection(
  new rpc.StreamMessageReader(child.stdout),
  new rpc.StreamMessageWriter(child.stdin),
);
connection.listen();

(async () => {
  const folder = { uri: `file://${root}`, name: "root" };
  await connection.sendRequest(rpc.InitializeRequest.type, {
    processId: process.pid,
    rootUri: folder.uri,
    workspaceFolders: [folder],
    capabilities: {},
  });
  await connection.sendNotification(rpc.InitializedNotification.type, {});
  const textDocument = { uri: `file://${root}/main.py` };
  const position = { line: 7, character: 10 };
  const found = await connection.sendRequest(rpc.DefinitionRequest.type, { textDocument, position });
  console.log("DEFINITION", found[0].uri, found[0].range.start.line);
  const symbols = await connection.sendRequest(rpc.WorkspaceSymbolRequest.type, { query: "total" });
  console.log("SYMBOLS", symbols.length);
  const hover = await connection.sendRequest(rpc.HoverRequest.type, { textDocument, position });
  console.log("HOVER", hover.contents.value.replace(/\n/g, " "));
  await connection.sendRequest(rpc.ShutdownRequest.type);
  await connection.sendNotification(rpc.ExitNotification.type);
  child.on("exit", (code) => process.exit(code));
})().catch((error) => {
  console.error(error);
  process.exit(2);
});
