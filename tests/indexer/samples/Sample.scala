package app.shapes

import app.base.{Shape, Util => U}
import scala.collection.mutable._

/** A circle. */
@deprecated
abstract class Circle[T](val radius: Int, name: String) extends Shape[T](radius) with Drawable {
  val size = compute(radius)
  var other: Int = 1
  lazy val z = 1
  // Its area.
  def area(x: Int): Double = sqrt(x) + this.scale(2)
  def draw(c: Canvas): Unit
  type Item = T
  object Part { def f = 1 }
}
trait Drawable extends Named { def draw(c: Canvas): Unit }
object Registry { def add(c: Circle[Int]): Unit = { c.draw(new Canvas(1)) }; val MAX = 10 }
case class Point(x: Int, y: Int)
enum Mode { case Fast, Slow; case Other(x: Int) }
def helper(x: Int) = { val local = 1; def nested() = other(); nested() }
val LIMIT = 3
given ordering: Ordering[Int] = make()
val (a, b) = pair
type Handler = Int => Unit
extension (s: String) def shout = s.toUpperCase
package object shared { val a, b = 1 }
object Ops { val Some(c) = opt; def ::(x: Int) = x plus 1; def `a name` = 1 }
import e.f.*
