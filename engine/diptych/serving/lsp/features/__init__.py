"""What a server answers: a module for each group of requests, each with `register`."""

from diptych.serving.lsp.features import (
    completing,
    describing,
    hierarchies,
    local,
    navigation,
    renaming,
    state,
    symbols,
)

FEATURES = (
    completing.register,
    navigation.register,
    symbols.register,
    local.register,
    describing.register,
    renaming.register,
    hierarchies.register,
    state.register,
)
