//! The golden crate: a comment `label` marks a definition, `name>label` what a name leads to.

pub mod errors; //: mod.errors
pub mod shapes; //: mod.shapes
pub mod store; //: mod.store

pub use crate::errors::{Error, Result}; //= errors>errors.rs Error>Error Result>Result
pub use shapes::Shape; //= shapes>shapes.rs Shape>Shape
use golden_helper::{assist, Helper as Assistant}; //= assist>assist Helper>Helper

pub const LIMIT: usize = 3; //: LIMIT
static NAME: &str = "golden"; //: NAME

#[macro_export]
macro_rules! twice { //: twice
    ($value:expr) => {
        $value + $value
    };
}

pub type Shapes = Vec<Shape>; //: Shapes //= Shape>Shape

pub fn area_of(shapes: &Shapes) -> u32 { //: area_of area_of.shapes //= Shapes>Shapes
    let mut total = 0; //: total
    for shape in shapes.iter() { //: area_of.shape //= shapes>area_of.shapes
        total += shape.width * LIMIT as u32; //= total>total shape>area_of.shape LIMIT>LIMIT
    }
    twice!(total) //= twice>twice total>total
}

fn inner_functions(value: u32) -> u32 { //: inner_functions inner_functions.value
    fn local(value: u32) -> u32 { //: local local.value
        value + 1 //= value>local.value
    }
    const STEP: u32 = 2; //: STEP
    local(value) + STEP //= local>local value>inner_functions.value STEP>STEP
}

fn shadowed(first: u32) -> u32 { //: shadowed shadowed.first
    let second = first; //: second.1 //= first>shadowed.first
    let second = second + first; //: second.2 //= second#2>second.1
    let third = { //: third
        let second = 5; //: second.3
        second //= second>second.3
    };
    second + third //= second>second.2 third>third
}

fn closures(base: u32) -> u32 { //: closures.base
    let add = |more: u32| more + base; //: add add.more //= more#2>add.more base>closures.base
    let pair = (1u32, Shape::new(1)); //: pair //= Shape>Shape new>Shape.new
    let (left, right) = pair; //: left right //= pair>pair
    add(left) + right.width //= add>add left>left right>right
}

fn assisted() -> usize { //: assisted
    let helper = Assistant::create(2); //: assisted.helper //= create>Helper.create
    println!("{} {}", NAME, helper.depth); //= NAME>NAME helper>assisted.helper depth>Helper.depth
    assist(helper.depth as usize) //= assist>assist helper>assisted.helper depth>Helper.depth
}

pub mod nested { //: nested
    use super::shapes::round::Circle; //= shapes>shapes.rs round>round.rs Circle>Circle
    use super::LIMIT; //= LIMIT>LIMIT

    pub struct Holder { //: Holder
        pub circle: Circle, //: Holder.circle //= Circle>Circle
    }

    impl Holder { //= Holder>Holder
        pub fn radius(&self) -> u32 { //: Holder.radius
            self.circle.radius + LIMIT as u32 //= circle>Holder.circle radius>Circle.radius LIMIT>LIMIT
        }

        pub fn deeper(&self) -> u32 { //: deeper
            super::inner_functions(self.radius()) //= inner_functions>inner_functions radius>Holder.radius
        }
    }

    pub mod deepest { //: deepest
        pub fn call(holder: &super::Holder) -> u32 { //: call call.holder //= Holder>Holder
            holder.radius() //= holder>call.holder radius>Holder.radius
        }
    }
}

fn through_nested(holder: nested::Holder) -> u32 { //: through.holder //= nested>nested Holder>Holder
    nested::deepest::call(&holder) //= nested>nested deepest>deepest call>call holder>through.holder
}

#[cfg(test)]
mod tests { //: tests
    use super::*;

    #[test]
    fn areas() {
        let all: Shapes = vec![Shape::new(2)]; //: areas.all //= Shapes>Shapes
        assert_eq!(area_of(&all), LIMIT as u32); //= area_of>area_of all>areas.all LIMIT>LIMIT
        shadowed(closures(1)); //= shadowed>shadowed
    }
}
