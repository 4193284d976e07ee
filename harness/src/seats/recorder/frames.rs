//! What the recorder and its CGI program say to each other over a Unix socket: a letter, a length of
//! four octets, and so many octets.

use std::io::{self, Read, Write};

/// What a frame is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Frame {
    /// To the recorder: the process as the program found it, as JSON.
    Found = b'F',
    /// To the recorder: octets of standard input.
    Input = b'I',
    /// To the recorder: the end of standard input.
    InputEnd = b'E',
    /// To the recorder: nobody reads standard output any more.
    Unread = b'U',
    /// To the program: octets for standard output.
    Output = b'O',
    /// To the program: octets for standard error.
    Error = b'S',
    /// To the program: close standard output.
    CloseOutput = b'o',
    /// To the program: close standard error.
    CloseError = b's',
    /// To the program: read standard input up to so many octets in all (eight, big endian).
    Read = b'R',
    /// To the program: exit with this status (one octet).
    Exit = b'X',
    /// To the program: die by this signal (four octets, big endian).
    Signal = b'K',
}

impl Frame {
    const ALL: [Self; 11] = [
        Self::Found,
        Self::Input,
        Self::InputEnd,
        Self::Unread,
        Self::Output,
        Self::Error,
        Self::CloseOutput,
        Self::CloseError,
        Self::Read,
        Self::Exit,
        Self::Signal,
    ];

    /// The frame's letter, its length and these octets.
    pub fn of(self, octets: &[u8]) -> Vec<u8> {
        let length = u32::try_from(octets.len()).expect("pieces are smaller than 4 GiB");
        [&[self as u8][..], &length.to_be_bytes(), octets].concat()
    }

    /// What a letter stands for.
    pub fn named(letter: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|frame| *frame as u8 == letter)
    }

    /// Writes one frame.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn write(self, to: &mut impl Write, octets: &[u8]) -> io::Result<()> {
        to.write_all(&self.of(octets))
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// Those of the socket, its end, and a letter that stands for nothing.
    pub fn read(from: &mut impl Read) -> io::Result<(Self, Vec<u8>)> {
        let mut header = [0; 5];
        from.read_exact(&mut header)?;
        let [letter, length @ ..] = header;
        let frame = Self::named(letter).ok_or(io::ErrorKind::InvalidData)?;
        let mut octets = vec![0; u32::from_be_bytes(length) as usize];
        from.read_exact(&mut octets)?;
        Ok((frame, octets))
    }
}

/// Ending of the file beside the program that names the recorder's socket.
pub const BESIDE: &str = "recorder";
