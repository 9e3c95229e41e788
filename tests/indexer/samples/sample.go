// Package shapes draws.
package shapes

import (
	"fmt"
	str "strings"
)

import `os`

// Max is the most.
const Max = 10

const (
	A, B = iota, 2
)

var (
	current Shape
	table   = map[string]int{}
)

var single = New()

// Shape is what
// can be drawn.
type Shape interface {
	fmt.Stringer
	Named
	Area(scale float64) float64
}

type Point struct {
	X, Y int
	*Base
	other.Mixin
	owner *Shape
}

type Handler func(p Point) error
type Alias = Point

// Move moves.
func (p *Point) Move(by int) *Point {
	fmt.Println(str.ToUpper("x"))
	return &Point{X: by}
}

func (s Stack[T]) Push(item T) { s.items = append(s.items, item) }

func New() Shape { return build[int](nil) }
