"""Questions of an agent while files change, and what they cost. See docs/agents.md."""
