"""What ECMAScript's modules import and pass on."""

from __future__ import annotations

from tree_sitter import Node

from diptych.names.facts import EXPORTED, EXPORTS, IMPORTED, Scope
from diptych.names.languages.collected import Collected, text_of
from diptych.names.languages.ecmascript.shapes import MODULE_OBJECTS, required_module


class Exports:
    """Binds what a file imports, and what it passes on under another name than its own."""

    def __init__(self, made: Collected) -> None:
        self._made = made
        self._number = -1

    def scope(self) -> int:
        """The scope of what is passed on."""
        if self._number < 0:
            self._number = len(self._made.scopes)
            self._made.scopes.append(Scope(EXPORTS, 0, (0, 0), (0, 0)))
        return self._number

    def passed_on(self, name: str, at: Node, local: str) -> None:
        """`export { local as name }`, `export default local`."""
        self._made.bind(name, self.scope(), at.start_point, IMPORTED, f"<>{local}")

    def imported(self, statement: Node, scope: int) -> None:
        """An import statement."""
        made = self._made
        module = module_of(made.source, statement)
        for clause in statement.named_children:
            if clause.type == "import_require_clause":
                module = module_of(made.source, clause)
                self._bind(clause.named_children[0], scope, f"<{module}")
            elif clause.type == "import_clause":
                for part in clause.named_children:
                    if part.type == "identifier":
                        self._bind(part, scope, f"<{module}>default")
                    elif part.type == "namespace_import":
                        self._bind(part.named_children[0], scope, f"<{module}")
                    else:
                        self._items(part, scope, module)

    def exported(self, statement: Node) -> list[Node]:
        """An export statement. Returns the declarations and values in it."""
        made = self._made
        module = module_of(made.source, statement)
        kinds = {child.type: child for child in statement.children}
        clause = kinds.get("export_clause")
        if clause is not None:
            for item in clause.named_children:
                self._passed_on_item(item, module)
            return []
        if (namespace := kinds.get("namespace_export")) is not None:
            self._bind(namespace.named_children[0], self.scope(), f"<{module}")
            return []
        if module:
            made.stars.append((self.scope(), module))
            return []
        declaration = statement.child_by_field_name("declaration")
        self._export_declared(declaration)
        value = statement.child_by_field_name("value")
        default = kinds.get("default")
        if default is not None:
            named = value if declaration is None else declaration.child_by_field_name("name")
            if named is not None and named.type in ("identifier", "type_identifier"):
                self.passed_on("default", named, made.text(named))
            return [declaration] if declaration is not None else []
        if "=" in kinds:
            given = statement.named_children[-1]
            self.passed_on(EXPORTED, given, made.text(given))
            return []
        return [declaration] if declaration is not None else statement.named_children

    def _export_declared(self, declaration: Node | None) -> None:
        """The names that a declaration after `export` binds."""
        exported = self._made.exported = self._made.exported or []
        pending = [declaration] if declaration is not None else []
        while pending:
            node = pending.pop()
            name = node.child_by_field_name("name")
            if node.type in ("lexical_declaration", "variable_declaration", "ambient_declaration"):
                pending += node.named_children
            elif name is not None and name.type in ("object_pattern", "array_pattern"):
                pending += name.named_children
            elif name is not None:
                exported.append(self._made.text(name).partition(".")[0])
            elif node.type in ("identifier", "shorthand_property_identifier_pattern"):
                exported.append(self._made.text(node))
            else:
                pending += node.named_children

    def assigned(self, left: Node) -> tuple[str, Node | None]:
        """What an assignment gives to who requires the module: a name or `EXPORTED`, and where; or ""."""
        made = self._made
        if left.type == "identifier":
            return (EXPORTED, left) if made.text(left) == "exports" else ("", None)
        owner, key = left.child_by_field_name("object"), left.child_by_field_name("property")
        if left.type != "member_expression" or owner is None or key is None:
            return "", None
        holder, name = made.text(owner), made.text(key)
        if holder == "module" and name == "exports":
            return EXPORTED, key
        return (name, key) if holder in MODULE_OBJECTS else ("", None)

    def required(self, target: Node, scope: int, module: str, item: str) -> list[Node]:
        """`const target = require('module')`, also with a pattern, or of one of its items.

        Returns the parts of a pattern that name no item of the module.
        """
        if target.type == "identifier":
            self._bind(target, scope, f"<{module}>{item}" if item else f"<{module}")
            return []
        others = []
        for part in target.named_children:
            key = part.child_by_field_name("key") if part.type == "pair_pattern" else part
            name = part.child_by_field_name("value") if part.type == "pair_pattern" else part
            if key is not None and name is not None and not name.named_child_count:
                self._bind(name, scope, f"<{module}>{self._made.text(key)}")
            elif part.named_child_count:
                others.append(part)
        return others

    def _items(self, items: Node, scope: int, module: str) -> None:
        for item in items.named_children:
            name = item.child_by_field_name("name")
            if name is not None:
                alias = item.child_by_field_name("alias") or name
                self._bind(alias, scope, f"<{module}>{self._made.text(name)}")

    def _passed_on_item(self, item: Node, module: str) -> None:
        name, alias = item.child_by_field_name("name"), item.child_by_field_name("alias")
        if name is None:
            return
        if module:
            self._bind(alias or name, self.scope(), f"<{module}>{self._made.text(name)}")
        elif alias is None:
            exported = self._made.exported = self._made.exported or []
            exported.append(self._made.text(name))
        else:
            self.passed_on(self._made.text(alias), alias, self._made.text(name))

    def _bind(self, name: Node, scope: int, shape: str) -> None:
        self._made.bind(self._made.text(name), scope, name.start_point, IMPORTED, shape)


def module_of(source: bytes, statement: Node) -> str:
    """The module that a statement names; "" for none."""
    named = statement.child_by_field_name("source")
    return text_of(source, named)[1:-1] if named is not None else ""


def required_item(source: bytes, value: Node | None) -> tuple[str, str]:
    """The module of `require('module')`, and the item of `require('module').item`; "" for other values."""
    if value is None or value.type != "member_expression":
        return required_module(source, value), ""
    module = required_module(source, value.child_by_field_name("object"))
    name = value.child_by_field_name("property")
    return (module, text_of(source, name)) if module and name is not None else ("", "")
