//! What the CGI program hands over: how it was started, and its standard input.

use bytes::{Buf, BytesMut};

use super::{Decode, body, param};
use crate::{
    scenario::text::octets,
    seats::recorder::{frames::Frame, stage::Taken},
    witness::recorded::{End, Program},
};

/// Frames from one execution.
#[derive(Default)]
pub(super) struct Frames {
    buf: BytesMut,
    request: Option<usize>,
}

/// A frame's letter and length.
const HEADER_LEN: usize = 5;

impl Decode for Frames {
    fn feed(&mut self, octets: &[u8], taken: &mut Taken) -> Result<(), String> {
        self.buf.extend_from_slice(octets);
        while let Some(&[letter, ref length @ ..]) = self.buf.first_chunk::<HEADER_LEN>() {
            let length = u32::from_be_bytes(*length) as usize;
            if self.buf.len() < HEADER_LEN + length {
                return Ok(());
            }
            self.buf.advance(HEADER_LEN);
            let octets = self.buf.split_to(length);
            self.frame(letter, &octets, taken)?;
        }
        Ok(())
    }

    fn is_idle(&self) -> bool {
        self.request.is_none()
    }
}

impl Frames {
    fn frame(&mut self, letter: u8, octets: &[u8], taken: &mut Taken) -> Result<(), String> {
        match (Frame::named(letter), self.request) {
            (Some(Frame::Found), None) => {
                let program = serde_json::from_slice(octets).map_err(|error| error.to_string())?;
                self.request = Some(found(program, taken));
            }
            (Some(Frame::Input), Some(request)) => {
                taken.shown.extend_from_slice(octets);
                body(taken, request, octets);
            }
            (Some(Frame::InputEnd), Some(request)) => taken.asked(request).has_ended = true,
            (Some(Frame::Unread), Some(_)) => taken.ended(End::Closed),
            _ => return Err(format!("no frame of the program: {letter:#04x}")),
        }
        Ok(())
    }
}

/// A program was executed.
fn found(program: Program, taken: &mut Taken) -> usize {
    let request = taken.begin(0);
    taken.shown = shown(&program);
    let asked = taken.asked(request);
    asked.params = program.environ.iter().map(|text| variable(text)).collect();
    asked.program = Some(program);
    asked.has_head = true;
    body(taken, request, b"");
    request
}

fn variable(text: &str) -> crate::witness::recorded::Param {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    param(&octets(name), &octets(value))
}

/// The execution as a transcript has it.
fn shown(program: &Program) -> Vec<u8> {
    let mut text = format!("executes {:?} in {}\n", program.argv, program.cwd);
    for variable in &program.environ {
        text.push_str(variable);
        text.push('\n');
    }
    octets(&text)
}
