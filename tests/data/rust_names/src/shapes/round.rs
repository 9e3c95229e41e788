use super::{Area, Shape}; //= Area>Area Shape>Shape

pub trait Round { //: Round
    fn around(&self) -> u32; //: Round.around
}

pub struct Circle { //: Circle
    pub radius: u32, //: Circle.radius
}

impl Round for Circle { //= Round>Round Circle>Circle
    fn around(&self) -> u32 { //: Circle.around
        self.radius * 6 //= radius>Circle.radius
    }
}

impl Circle { //= Circle>Circle
    pub fn within(&self, shape: &Shape) -> bool { //: within.shape //= Shape>Shape
        self.radius < shape.width && shape.area() > 0 //= radius>Circle.radius shape>within.shape area>Shape.area
    }

    pub fn outer(self) -> super::super::Shape { //= Shape>Shape
        crate::shapes::Shape::new(self.around()) //= Shape>Shape new>Shape.new around>Circle.around
    }
}

pub fn free(circle: Circle) -> u32 { //: free free.circle //= Circle>Circle
    let Circle { radius } = circle; //: free.radius //= Circle>Circle circle>free.circle
    radius //= radius>free.radius
}
