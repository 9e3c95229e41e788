"""The language server: `diptych lsp`. Needs the extra `lsp`; nothing else imports this folder.

run       streams and sockets: a server for each connection
wire      messages in a stream of bytes
protocol  what pygls does with a message, and what it does not
server    one connection: its workspace, the thread that answers
answering one thread for all questions and edits, in the order in which they came
workspace the roots that an editor has open, each with its store, files and open documents
features  a module for each group of requests: from parameters to an answer
"""
