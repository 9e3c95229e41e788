package com.example.shapes;

import java.util.List;
import static java.lang.Math.*;

/**
 * A shape.
 *
 * @author someone
 */
@Entity
public abstract class Shape extends Base<String> implements Drawable, java.io.Serializable {
    /** The most. */
    public static final int MAX = 10;
    private List<Point> points, others;

    public Shape(int count) {
        this.points = new ArrayList<>(count);
    }

    // The area.
    @Override
    public abstract double area();

    void draw(Canvas canvas) throws DrawException {
        canvas.paint(area());
        points.forEach(this::show);
        class Local { void go() { helper(); } }
    }

    enum Mode implements Tagged { FAST, SLOW { void f() {} }; int level; }

    interface Drawable extends Named, Sized<Integer> { int LIMIT = 3; void draw(); }

    record Point(int x, int y) implements Comparable<Point> {
        Point { check(x); }
    }

    @interface Marker { String value() default ""; }
}
