mod entry;

pub use entry::Entry; //= Entry>Entry
pub use entry::*;

use crate::{Error, Result}; //= Error>Error Result>Result

pub struct Store { //: Store
    entries: Vec<Entry>, //: Store.entries //= Entry>Entry
}

impl Store { //= Store>Store
    pub fn open() -> Result<Store> { //: Store.open //= Result>Result Store>Store
        Ok(Store { entries: Vec::new() }) //= Store>Store entries>Store.entries
    }

    pub fn last(&mut self) -> Result<Entry> { //: Store.last //= Entry>Entry
        self.entries.pop().ok_or(Error::Missing) //= entries>Store.entries Error>Error Missing>Missing
    }
}

pub fn make(key: u32) -> Entry { //: make make.key //= Entry>Entry
    entry::build(key) //= build>build key>make.key
}

pub fn both() -> Result<u32> { //: both
    let mut store = Store::open()?; //: both.store //= Store>Store open>Store.open
    let entry = store.last()?; //: both.entry //= store>both.store last>Store.last
    match store.last() { //= store>both.store last>Store.last
        Ok(other) if other.key > 1 => return Ok(other.key), //: other //= other#2>other key>Entry.key
        Err(error) => return Err(error), //: error //= error#2>error
        _ => {}
    }
    while let Ok(one) = store.last() { //: one //= store>both.store
        drop(one.key); //= one>one key>Entry.key
    }
    Ok(entry.key) //= entry>both.entry key>Entry.key
}

pub struct Both { //: Both
    count: u32, //: Both.count
    first: Entry, //: Both.first //= Entry>Entry
}

impl Both { //= Both>Both
    pub fn count(&self) -> u32 { //: Both.count()
        self.count //= count>Both.count
    }

    pub fn first(&self) -> &Entry { //: Both.first() //= Entry>Entry
        &self.first //= first>Both.first
    }

    pub fn sum(&self) -> u32 { //: Both.sum
        self.count() + self.first.key + self.first().key //= count>Both.count() first>Both.first first#2>Both.first() key>Entry.key key#2>Entry.key
    }
}
