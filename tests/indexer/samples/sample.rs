//! A crate.
use std::collections::{HashMap, hash_map::{Entry as E, self}};
use crate::shape::*;
extern crate serde;

/// How deep.
pub const DEPTH: usize = 3;
static mut COUNTER: u32 = 0;

pub type Table<K> = HashMap<K, Vec<u8>>;

/// A point.
///
/// In the plane.
#[derive(Debug, Clone)]
pub struct Point<T> {
    /// Across.
    pub x: T,
    y: T,
}

pub enum Shape { Circle(Point<f64>), Empty }

union Bits { a: u32, b: f32 }

pub trait Area: Debug + Sized {
    type Unit;
    const ZERO: u32;
    fn area(&self) -> f64;
    fn twice(&self) -> f64 { 2.0 * self.area() }
}

impl<T> Point<T> {
    /* Makes one. */
    pub fn new(x: T, y: T) -> Self {
        Point { x, y }
    }
}

impl Area for Shape {
    fn area(&self) -> f64 {
        compute::<f64>(self); math::round(1.0); println!("{}", 1);
        0.0
    }
}

impl<T> fmt::Display for Point<T> {}

mod inner {
    pub fn helper() {}
}

macro_rules! square { ($x:expr) => { $x * $x }; }
