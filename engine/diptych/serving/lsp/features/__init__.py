"""What a server answers: a module for each group of requests, each with `register`."""

from diptych.serving.lsp.features import describing, local, navigation, renaming, symbols

FEATURES = (navigation.register, symbols.register, local.register, describing.register, renaming.register)
