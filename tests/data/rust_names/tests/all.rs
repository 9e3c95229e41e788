use golden::nested::Holder; //= nested>nested Holder>Holder
use golden::store; //= store>store.rs
use golden::{area_of, Shape}; //= area_of>area_of Shape>Shape

mod common { //: common
    pub fn one() -> u32 { //: common.one
        1
    }
}

fn radius(holder: Holder) -> u32 { //: all.holder //= Holder>Holder
    holder.radius() + common::one() //= holder>all.holder radius>Holder.radius common>common one>common.one
}

#[test]
fn all() {
    let shape = Shape::new(1); //: all.shape //= Shape>Shape new>Shape.new
    assert_eq!(area_of(&vec![shape.clone()]), 1); //= area_of>area_of shape>all.shape
    store::both().unwrap(); //= store>store.rs both>both
}
