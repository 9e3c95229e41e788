import com.sun.source.tree.*;
import com.sun.source.util.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.stream.Collectors;
import javax.lang.model.element.*;
import javax.tools.*;

/**
 * Prints each reference in the Java files of a folder whose declaration is in them too, as javac resolves it:
 * the group, the name, then path, row and column of the reference and of the declaration, separated by tabs.
 * Rows and columns count from zero, columns in UTF-8 bytes.
 */
public class References {
    static Trees trees;
    static SourcePositions positions;
    static Path root;
    static final Map<String, String> texts = new HashMap<>();
    static final Map<String, int[]> starts = new HashMap<>();
    static final StringBuilder out = new StringBuilder();

    public static void main(String[] arguments) throws Exception {
        root = Paths.get(arguments[0]).toRealPath();
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager files = compiler.getStandardFileManager(d -> {}, null, StandardCharsets.UTF_8);
        List<Path> paths;
        try (var walk = Files.walk(root)) {
            paths = walk.filter(p -> p.toString().endsWith(".java"))
                .filter(p -> !p.endsWith("module-info.java") && !p.endsWith("package-info.java"))
                .sorted().collect(Collectors.toList());
        }
        List<String> options = List.of(
            "-proc:none", "-Xmaxerrs", "100000", "-XDshould-stop.ifError=FLOW", "-implicit:none",
            "-cp", "/usr/share/java/junit4.jar:/usr/share/java/hamcrest-core.jar");
        JavacTask task = (JavacTask) compiler.getTask(
            null, files, d -> {}, options, null, files.getJavaFileObjectsFromPaths(paths));
        trees = Trees.instance(task);
        positions = trees.getSourcePositions();
        List<CompilationUnitTree> units = new ArrayList<>();
        task.parse().forEach(units::add);
        try {
            task.analyze();
        } catch (RuntimeException | AssertionError error) {
            System.err.println("javac: " + error);
        }
        for (CompilationUnitTree unit : units) new Scan(unit).scan(unit, null);
        System.out.write(out.toString().getBytes(StandardCharsets.UTF_8));
        System.out.flush();
    }

    static String text(CompilationUnitTree unit) {
        return texts.computeIfAbsent(unit.getSourceFile().toUri().toString(), uri -> {
            try {
                return unit.getSourceFile().getCharContent(true).toString();
            } catch (java.io.IOException error) {
                return "";
            }
        });
    }

    static String place(CompilationUnitTree unit, int at) {
        String text = text(unit);
        int[] lines = starts.computeIfAbsent(unit.getSourceFile().toUri().toString(), uri -> {
            List<Integer> found = new ArrayList<>(List.of(0));
            for (int i = 0; i < text.length(); i++) if (text.charAt(i) == '\n') found.add(i + 1);
            return found.stream().mapToInt(i -> i).toArray();
        });
        int row = Arrays.binarySearch(lines, at);
        if (row < 0) row = -row - 2;
        int column = text.substring(lines[row], at).getBytes(StandardCharsets.UTF_8).length;
        Path path = Paths.get(unit.getSourceFile().toUri());
        return root.relativize(path) + "\t" + row + "\t" + column;
    }

    /** Where `name` is written in a declaration, at or after `from`. */
    static int written(String text, String name, int from) {
        for (int at = text.indexOf(name, from); at >= 0; at = text.indexOf(name, at + 1)) {
            int after = at + name.length();
            boolean begins = at == 0 || !Character.isJavaIdentifierPart(text.charAt(at - 1));
            if (begins && (after == text.length() || !Character.isJavaIdentifierPart(text.charAt(after)))) return at;
        }
        return -1;
    }

    static class Scan extends TreePathScanner<Void, Void> {
        final CompilationUnitTree unit;

        Scan(CompilationUnitTree unit) {
            this.unit = unit;
        }

        void note(String name, int at) {
            note(trees.getElement(getCurrentPath()), name, at);
        }

        void note(Element element, String name, int at) {
            if (element == null || at < 0 || name.equals("this") || name.equals("super")) return;
            if (!text(unit).startsWith(name, at)) return;
            TreePath declared = null;
            try {
                declared = trees.getPath(element);
            } catch (RuntimeException error) {
                return;
            }
            if (declared == null || element.getKind() == ElementKind.PACKAGE) return;
            CompilationUnitTree other = declared.getCompilationUnit();
            Tree tree = declared.getLeaf();
            long from = positions.getStartPosition(other, tree);
            if (from < 0) return;
            String said = element.getSimpleName().toString();
            if (tree instanceof ClassTree) {
                long after = positions.getEndPosition(other, ((ClassTree) tree).getModifiers());
                from = Math.max(from, after);
                said = ((ClassTree) tree).getSimpleName().toString();
            } else if (tree instanceof MethodTree) {
                MethodTree method = (MethodTree) tree;
                from = Math.max(from, positions.getEndPosition(other, method.getModifiers()));
                for (Tree one : method.getTypeParameters()) from = Math.max(from, positions.getEndPosition(other, one));
                if (method.getReturnType() != null)
                    from = Math.max(from, positions.getEndPosition(other, method.getReturnType()));
                else said = element.getEnclosingElement().getSimpleName().toString();
            } else if (tree instanceof VariableTree) {
                VariableTree variable = (VariableTree) tree;
                from = Math.max(from, positions.getEndPosition(other, variable.getModifiers()));
                if (variable.getType() != null && element.getKind() != ElementKind.ENUM_CONSTANT)
                    from = Math.max(from, positions.getEndPosition(other, variable.getType()));
            }
            int target = written(text(other), said, (int) from);
            if (target < 0 || said.isEmpty()) return;
            String kind = element.getKind().name();
            boolean isType = element.getKind().isClass() || element.getKind().isInterface()
                || element.getKind() == ElementKind.TYPE_PARAMETER;
            boolean isMember = element.getKind() == ElementKind.METHOD || element.getKind().isField();
            out.append(isType ? "type" : isMember ? "member" : "name").append('\t').append(name).append('\t')
                .append(place(unit, at)).append('\t').append(place(other, target)).append('\n');
        }

        /** A static import names all members of that name, which javac says only where they are used. */
        @Override
        public Void visitImport(ImportTree node, Void nothing) {
            if (node.isStatic() && node.getQualifiedIdentifier() instanceof MemberSelectTree) {
                MemberSelectTree named = (MemberSelectTree) node.getQualifiedIdentifier();
                String name = named.getIdentifier().toString();
                TreePath holder = new TreePath(new TreePath(getCurrentPath(), named), named.getExpression());
                Element owner = trees.getElement(holder);
                int at = (int) positions.getEndPosition(unit, named) - name.length();
                for (Element one : owner != null ? owner.getEnclosedElements() : List.<Element>of())
                    if (one.getSimpleName().contentEquals(name)) note(one, name, at);
            }
            return super.visitImport(node, nothing);
        }

        @Override
        public Void visitIdentifier(IdentifierTree node, Void nothing) {
            note(node.getName().toString(), (int) positions.getStartPosition(unit, node));
            return super.visitIdentifier(node, nothing);
        }

        @Override
        public Void visitMemberSelect(MemberSelectTree node, Void nothing) {
            String name = node.getIdentifier().toString();
            note(name, (int) positions.getEndPosition(unit, node) - name.length());
            return super.visitMemberSelect(node, nothing);
        }

        @Override
        public Void visitMemberReference(MemberReferenceTree node, Void nothing) {
            String name = node.getName().toString();
            note(name, (int) positions.getEndPosition(unit, node) - name.length());
            return super.visitMemberReference(node, nothing);
        }
    }
}
