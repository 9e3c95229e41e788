pub struct Helper { //: Helper
    pub depth: u32, //: Helper.depth
}

impl Helper { //= Helper>Helper
    pub fn create(depth: u32) -> Self { //: Helper.create create.depth
        Helper { depth } //= Helper>Helper depth>create.depth
    }
}

pub fn assist(times: usize) -> usize { //: assist assist.times
    times + 1 //= times>assist.times
}
