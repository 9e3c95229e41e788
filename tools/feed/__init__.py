"""Followers of a store that are killed again and again, and so is its writer: each LSN once, in order.

python -m tools.feed --commits 100000 --out out/feed
"""
