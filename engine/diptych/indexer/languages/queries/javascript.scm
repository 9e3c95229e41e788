; What only JavaScript's grammar has names for.

(field_definition property: [(property_identifier) (private_property_identifier)] @name) @definition.field

(class_heritage (identifier) @name) @reference.extends
(class_heritage (member_expression property: (property_identifier) @name)) @reference.extends
