// Shapes, in C++.
#include <vector>
#include "shape.hpp"

namespace geo {
namespace detail { int depth = 3; }

/// A shape.
template <typename T>
class Shape : public Base<T>, private other::Mixin {
public:
    explicit Shape(int count) : count_(count) { init(); }
    virtual ~Shape();
    virtual double area() const = 0;
    Shape &operator=(const Shape &other);
    const T *find(int key) { return table.find(key); }
    static int total;
    using Item = T;
private:
    int count_;
    std::vector<T> items;
};

struct Point { int x; };

enum class Mode : int { Fast, Slow };

template <typename T>
double Shape<T>::area() const {
    return std::sqrt(compute<T>(count_));
}

Point &Grid::Cell::at(int i) { return *new Point(); }

int free_function(const Shape<int> &s) {
    auto f = [&](int x) { return s.area() + x; };
    return f(1);
}
}  // namespace geo

using namespace std;
using geo::Point;
#define LIMIT 3
extern "C" { void c_function(void); }
