; Components in JSX; a name in lower case is an element of HTML.

(jsx_opening_element name: (identifier) @name (#match? @name "^[A-Z]")) @reference.references
(jsx_opening_element name: (member_expression property: (property_identifier) @name)) @reference.references
(jsx_self_closing_element name: (identifier) @name (#match? @name "^[A-Z]")) @reference.references
(jsx_self_closing_element name: (member_expression property: (property_identifier) @name)) @reference.references
