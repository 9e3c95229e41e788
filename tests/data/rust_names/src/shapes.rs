pub mod round; //: mod.round

use self::round::{Circle, Round}; //= Circle>Circle Round>Round
use crate::store::{self, Entry}; //= store>store.rs Entry>Entry
use std::collections::HashMap;

#[derive(Clone)]
pub struct Shape { //: Shape
    pub width: u32, //: Shape.width
    pub entry: Option<Entry>, //: Shape.entry //= Entry>Entry
    parts: Vec<Part>, //: Shape.parts //= Part>Part
    named: HashMap<String, Box<Part>>, //: Shape.named //= Part>Part
}

#[derive(Clone)]
pub struct Part { //: Part
    pub size: u32, //: Part.size
}

pub trait Area { //: Area
    const SIDES: u32; //: Area.SIDES
    fn area(&self) -> u32; //: Area.area
    fn double(&self) -> u32 { //: Area.double
        self.area() * 2 //= area>Area.area
    }
}

impl Shape { //= Shape>Shape
    pub const UNIT: u32 = 1; //: Shape.UNIT

    pub fn new(width: u32) -> Self { //: Shape.new new.width
        Self { width, entry: None, parts: Vec::new(), named: HashMap::new() } //= width>new.width entry>Shape.entry
    }

    pub fn part(&self, index: usize) -> &Part { //: Shape.part part.index //= Part>Part
        &self.parts[index] //= parts>Shape.parts index>part.index
    }

    pub fn try_part(&self) -> Option<&Part> { //: Shape.try_part //= Part>Part
        self.parts.first() //= parts>Shape.parts first>-
    }

    pub fn sizes(&self) -> u32 { //: Shape.sizes
        let first = self.part(0).size; //: sizes.first //= part>Shape.part size>Part.size
        let maybe = self.try_part().unwrap(); //: maybe //= try_part>Shape.try_part unwrap>-
        let copy = maybe.clone(); //: sizes.copy //= maybe>maybe clone>-
        for part in &self.parts { //: sizes.part //= parts>Shape.parts
            consume(part.size + copy.size); //= consume>consume part>sizes.part size>Part.size copy>sizes.copy
        }
        if let Some(part) = self.try_part() { //: sizes.part2 //= try_part>Shape.try_part
            consume(part.size); //= part>sizes.part2 size>Part.size
        }
        if let Some(held) = self.named.get("a") { //: sizes.held //= named>Shape.named
            consume(held.size); //= held>sizes.held size>Part.size
        }
        first + Self::UNIT //= first>sizes.first UNIT>Shape.UNIT
    }

    pub fn stored(&self) -> u32 { //: Shape.stored
        let entry = store::make(self.width); //: stored.entry //= store>store.rs make>make width>Shape.width
        entry.key + entry.next().key //= entry>stored.entry key>Entry.key next>Entry.next
    }
}

impl Area for Shape { //= Area>Area Shape>Shape
    const SIDES: u32 = 4;

    fn area(&self) -> u32 { //: Shape.area
        self.width * Self::SIDES //= width>Shape.width
    }
}

fn consume(size: u32) {} //: consume

pub fn measure(shape: &Shape, any: &dyn Area) -> u32 { //: measure.shape measure.any //= Shape>Shape Area>Area
    shape.area() + any.area() //= shape>measure.shape area>Shape.area any>measure.any area#2>Area.area
}

pub fn generic<T: Area>(given: T) -> u32 { //: generic generic.T generic.given //= Area>Area T#2>generic.T
    given.area() + given.double() //= given>generic.given area>Area.area double>Area.double
}

pub fn boxed(given: Box<Shape>, round: impl Round) -> u32 { //: boxed.given boxed.round //= Round>Round
    given.width + round.around() //= given>boxed.given width>Shape.width round>boxed.round around>Round.around
}

pub fn circles(all: &[Circle]) -> u32 { //: circles.all //= Circle>Circle
    let mut sum = 0; //: sum
    for (index, circle) in all.iter().enumerate() { //: circles.index circles.circle //= all>circles.all
        sum += circle.radius + index as u32; //= sum>sum circle>circles.circle radius>Circle.radius
    }
    all[0].around() + sum //= all>circles.all around>Circle.around sum>sum
}
