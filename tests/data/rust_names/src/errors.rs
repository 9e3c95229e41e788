use std::fmt;

#[derive(Debug)]
pub enum Error { //: Error
    Missing, //: Missing
    Broken(String), //: Broken
    Located { line: u32, column: u32 }, //: Located Located.line Located.column
}

pub type Result<T> = std::result::Result<T, Error>; //: Result //= Error>Error

impl Error { //= Error>Error
    pub fn line(&self) -> u32 { //: Error.line
        match self {
            Error::Missing => 0, //= Error>Error Missing>Missing
            Self::Broken(text) => text.len() as u32, //: text //= Broken>Broken text#2>text len>-
            Error::Located { line, .. } => *line, //: found.line //= Error>Error Located>Located line#2>found.line
        }
    }
}

impl fmt::Display for Error { //= Error>Error
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result { //: Error.fmt fmt.out
        let number = self.line(); //: number //= line>Error.line
        write!(out, "{}", number) //= out>fmt.out number>number
    }
}

pub fn located(line: u32) -> Error { //: located located.line //= Error>Error
    Error::Located { line, column: 0 } //= Error>Error Located>Located line>located.line column>Located.column
}
