; Bash, and sh. A variable is one of the file's where no function sets it.

(function_definition name: (word) @name) @definition.function
(command
  name: (command_name (word) @_alias)
  argument: [(word) @name (concatenation . (word) @name)]
  (#eq? @_alias "alias")) @definition.alias
; `A=1 make` sets it for one command alone; `export -f f` names a function.
(command (variable_assignment name: (variable_name) @name)) @definition.expression
(declaration_command (word) @_option (variable_name) @name (#any-of? @_option "-f" "-F" "-fx" "-xf" "-gf" "-tf")) @definition.expression
(variable_assignment name: (variable_name) @name) @definition.global
(declaration_command (variable_name) @name @definition.global)

(command
  name: (command_name (word) @_source)
  .
  argument: [
    (word) @name
    (raw_string) @name
    (string (string_content) @name .)
    (concatenation (word) @name .)
    (concatenation (string (string_content) @name .) .)]
  (#any-of? @_source "." "source")) @reference.imports
(command name: (command_name (word) @name)) @reference.call
(comment) @comment
