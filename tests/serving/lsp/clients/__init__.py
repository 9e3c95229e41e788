"""Editors as they are installed, headless."""
