using System;
using Alias = System.Collections.Generic.List<int>;

namespace App.Shapes
{
    /// <summary>A circle.</summary>
    [Serializable]
    public abstract class Circle<T> : Base.Shape<T>, IDrawable where T : class
    {
        public const int Max = 10, Min = 1;
        private readonly int _radius = 1, other;
        public event EventHandler Changed;
        public int Radius { get; set; } = Compute();
        public int this[int i] => i;
        public Circle(int radius) : base(radius) { Init(); }
        ~Circle() { }
        // Its area.
        public double Area(int x) => Math.Sqrt(x) + Helper<int>(x);
        public static Circle<T> operator +(Circle<T> a, Circle<T> b) => a;
        public static implicit operator int(Circle<T> c) => 1;
        void IDrawable.Draw(Canvas c) { void Local() { c.Line(); } new Pen().Use(); }
        public enum Mode { Fast, Slow = 2 }
        public delegate void Handler(int x);
        struct Inner { public int X; }
    }
    public interface IDrawable : INamed { void Draw(Canvas c); string Name { get; } }
    public record Point(int X, int Y) : IComparable;
    public record struct Pair(int A);
}
static class Extensions
{
    extension<T>(List<T> list) where T : class
    {
        public T First() => list[0];
    }
}
class Split : Base
#if MORE
    , IMore
#endif
{
    public static explicit operator int(Split s) => 1;
    void Last() => (this as Other)?.Go<int>();
}
