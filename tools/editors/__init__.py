"""The language server as an editor sees it: a client, and what answers cost."""
