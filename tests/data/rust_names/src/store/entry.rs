#[derive(Clone)]
pub struct Entry { //: Entry
    pub key: u32, //: Entry.key
}

impl Entry { //= Entry>Entry
    pub fn next(&self) -> Self { //: Entry.next
        build(self.key + 1) //= build>build key>Entry.key
    }
}

pub fn build(key: u32) -> Entry { //: build build.key //= Entry>Entry
    let made = Entry { key }; //: made //= Entry>Entry key>build.key
    made //= made>made
}
