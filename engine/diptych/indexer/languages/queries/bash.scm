; Bash, and sh. A variable is one of the file's where no function sets it.

(function_definition name: (word) @name) @definition.function
(command
  name: (command_name (word) @_alias)
  argument: [(word) @name (concatenation . (word) @name)]
  (#eq? @_alias "alias") (#match? @name "^[A-Za-z0-9_][^=]*=")) @definition.function
; `A=1 make` sets it for one command alone; `export -f f` names a function.
(command (variable_assignment name: (variable_name) @name)) @definition.expression
(declaration_command (word) @_option (variable_name) @name (#match? @_option "^-[A-Za-z]*[fF]")) @definition.expression
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
; What a command runs that is about commands.
(command
  name: (command_name (word) @_runs)
  .
  argument: (word) @name
  (#any-of? @_runs "trap" "command" "exec" "builtin" "sudo" "nohup" "xargs" "time" "eval" "run")
  (#match? @name "^[A-Za-z_]")) @reference.call

(comment) @comment
