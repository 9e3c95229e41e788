; Bash, and sh. A variable is one of the file's where no function sets it.

(function_definition name: (word) @name) @definition.function
(program (variable_assignment name: (variable_name) @name) @definition.variable)
(program (declaration_command (variable_assignment name: (variable_name) @name) @definition.variable))
(program (declaration_command (variable_name) @name) @definition.variable)
(program (if_statement (variable_assignment name: (variable_name) @name) @definition.variable))

(command
  name: (command_name (word) @_source)
  .
  argument: (word) @name
  (#any-of? @_source "." "source")) @reference.imports
(command name: (command_name (word) @name)) @reference.call

(comment) @comment
