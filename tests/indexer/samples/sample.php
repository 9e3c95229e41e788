<?php
namespace App\Shapes;

use App\Base\Shape;
use App\{Point, Line as L};
use function App\helper;

const LIMIT = 3;
define('DEBUG', true);

/** A circle. */
#[Attribute]
abstract class Circle extends Shape implements Drawable, \Countable
{
    use Loggable;
    const MAX = 10, MIN = 1;
    public ?int $radius = 1, $other;
    private static array $all = [];

    public function __construct(private readonly Point $at, int $plain = 0) { parent::__construct(); }

    // The area.
    public function area(float $x): float { return compute($this->radius) + self::pi() + $this->scale(2); }
    abstract protected function draw(Canvas $c);
}

interface Drawable extends Named { const A = 1; public function draw(Canvas $c); }
trait Loggable { public function log() { error_log('x'); } }
enum Suit: string { case Hearts = 'H'; case Spades = 'S'; public function label() { return ucfirst($this->value); } }

function helper(int $x) { $f = fn($y) => other($y); return new Circle($x); }
$top = 1;
namespace App\More;
$config = ['a' => 1];
$closure = function () { $local = 1; return Circle::MAX; };
class Late { function make() { return new class extends Circle {}; } }
require_once __DIR__ . '/late.php';
