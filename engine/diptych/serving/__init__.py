"""Answers to questions about names, for the command, for servers and for tests."""
