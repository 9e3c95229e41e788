"""Where artifacts are kept. Each module knows one kind of store, behind the class `Remote` of `base`."""
