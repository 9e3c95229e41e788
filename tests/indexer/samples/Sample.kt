package app.shapes

import app.base.Shape
import app.util.helper as h

/** A circle. */
@Serializable
abstract class Circle<T>(val radius: Int, private var name: String, plain: Int) : Shape<T>(radius), Drawable {
    val size = compute(radius)
    var other: Int = 1
        get() = field

    // Its area.
    fun area(x: Int): Double = sqrt(x) + this.scale(2)

    abstract fun draw(c: Canvas)

    companion object {
        const val MAX = 10

        fun make() = Circle(1)
    }

    constructor(x: Int) : this(x, "", 1) { init() }

    inner class Part

    enum class Mode {
        FAST,
        SLOW;

        fun g() {}
    }
}

interface Drawable : Named {
    fun draw(c: Canvas)
    val id: Int
}

object Registry {
    fun add(c: Circle) { c.draw(Canvas()) }
}

data class Point(val x: Int, val y: Int)

fun String.shout(): String = uppercase()

fun helper(x: Int) {
    val local = 1
    fun nested() { other() }
}

typealias Handler = (Int) -> Unit

const val LIMIT = 3
val (a, b) = pair

@Retention(BINARY)
annotation class Marker

enum class Op {
    ADD { override fun apply() = 1 };

    abstract fun apply(): Int
}

class Odd<T>
@Marker internal constructor(val x: T) {
    constructor(a: Int, b: Int) : this(a)
    fun `with a space`() {
        val y = 1
        set = set or y
        val later = suspend { x combine y }
    }
}
