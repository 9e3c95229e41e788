require "json"
require_relative "lib/base"

# Shapes.
module Shapes
  MAX = 10

  # A shape.
  class Circle < Base::Shape
    include Comparable
    attr_reader :radius, :name
    attr_accessor "size"
    LIMIT = 3
    @@count = 0

    def initialize(radius)
      @radius = radius
      super()
    end

    # Its area.
    def area = compute(@radius)

    def self.make(*args)
      new(*args).tap { |c| c.draw }
    end

    def ==(other); other.radius == radius; end
    alias_method :size, :radius
    alias total area
  end

  class << self
    def build; Circle.make; end
  end
end

class Shapes::Square; def side?; end; end
def helper(x) puts x end
COLOUR, other = 1, 2
$debug = true
Point = Struct.new(:x, :y)
Pair = Struct.new(:left, :right) do
  alias_method :first, :left
  define_method(:sum) { left + right }
  delegate :size, to: :left
end
Failure = Class.new(StandardError)
begin; rescue Failure; end
