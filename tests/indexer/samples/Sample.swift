import Foundation

/// A circle.
@objc public class Circle<T>: Shape, Drawable {
    let radius: Int, name = "x"
    static var count = 0
    var size: Int { get { compute(radius) } }
    init(radius: Int) { self.radius = radius; super.init() }
    deinit { close() }
    // Its area.
    func area(_ x: Int) -> Double { return sqrt(x) + self.scale(by: 2) }
    subscript(i: Int) -> Int { i }
    static func == (a: Circle, b: Circle) -> Bool { true }
    class Inner {}
    enum Mode: String { case fast, slow = "s"; case other(Int); func f() {} }
    typealias Item = T
}
struct Point { var x: Int; mutating func move() { helper() } }
protocol Drawable: Named { func draw(_ c: Canvas); var id: Int { get }; associatedtype Element }
extension Point: Equatable { func dist() -> Int { Point(x: 1).x } }
func helper(_ x: Int) { let local = 1; func nested() { other() } }
let LIMIT = 3
var (a, b) = pair
typealias Handler = (Int) -> Void
actor Worker { func run() async { await go() } }
struct Money: ~Copyable {
    static func == (a: Money, b: Money) -> Bool { true }
    let (whole, part) = (1, 2)
    consuming func `repeat`() { done(()) }
}
