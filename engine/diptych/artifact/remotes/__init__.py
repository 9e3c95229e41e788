"""Where artifacts are kept. Each module is one kind of store, and has the methods of `base.Remote`."""
