//! What the recorder took from a gateway: every connection of a case, octet by octet understood.

use std::time::Duration;

use super::BodyView;

/// Everything that a gateway sent to the recorder during one case, its follow-up included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Connections (over CGI: executions) in the order in which they came.
    pub lines: Vec<Line>,
}

/// One connection from the gateway; over CGI one execution of the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Requests in the order in which they began.
    pub requests: Vec<Asked>,
    /// FastCGI records of no request: management records, and what nobody asked for.
    pub strays: Vec<Record>,
    /// Whether a FastCGI request began with the id of one whose END_REQUEST was not sent yet.
    pub overlaps: bool,
    /// Why the octets could not be understood to their end, if so.
    pub malformed: Option<String>,
    /// How and when the gateway ended its side, since the case began.
    pub ended: Option<(End, Duration)>,
    /// Whether the recorder ended the connection before the gateway did.
    pub ended_here: bool,
    /// The process of a CGI program, where the system tells it.
    pub pid: Option<i32>,
}

/// How a gateway ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In order.
    Closed,
    /// By a reset.
    Reset,
}

/// One request as the recorder took it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// FastCGI request id; 0 elsewhere.
    pub id: u16,
    /// Whether it came when the case's own reply was over: a follow-up or a look at the health.
    pub follows: bool,
    /// FastCGI records of the request in order.
    pub records: Vec<Record>,
    /// Whether a FastCGI pair that one record could hold was cut by the end of one.
    pub cuts_pairs: bool,
    /// HTTP request line without its end.
    pub line: Option<String>,
    /// Params, vars or header fields in order, duplicates kept.
    pub params: Vec<Param>,
    /// Whether the head is complete: all params, or the HTTP head.
    pub has_head: bool,
    /// The body as far as it came.
    pub body: BodyView,
    /// Whether the body is complete: STDIN was ended, or as many octets came as were announced.
    pub is_whole: bool,
    /// Whether the input is at its end, whatever was announced: what a CGI program sees.
    pub has_ended: bool,
    /// Whether the gateway gave the request up: ABORT_REQUEST, or the end of a connection on which
    /// the reply was not complete.
    pub aborted: bool,
    /// Header of the uwsgi packet.
    pub packet: Option<Packet>,
    /// The SCGI netstring.
    pub netstring: Option<Netstring>,
    /// The process as a CGI program found it.
    pub program: Option<Program>,
}

impl Asked {
    /// All values of a param.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Param> {
        self.params.iter().filter(move |param| param.name == name)
    }

    /// First value of a param.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|param| param.name == name)
            .map(|param| param.value.as_str())
    }
}

/// One name with its value, one code point per octet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Param {
    /// As sent.
    pub name: String,
    /// As sent.
    pub value: String,
    /// In how many octets FastCGI spelled the lengths of name and value: 1 or 4.
    pub forms: Option<(u8, u8)>,
}

/// One FastCGI record, as its header gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Protocol version.
    pub version: u8,
    /// Record type.
    pub kind: u8,
    /// Request id.
    pub id: u16,
    /// Octets of content.
    pub length: u16,
    /// Octets of padding.
    pub padding: u8,
    /// The last octet of the header.
    pub reserved: u8,
    /// The first 64 octets of the content.
    pub content: Vec<u8>,
    /// When it was complete, since the case began.
    pub at: Duration,
}

/// Header of a uwsgi packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// First octet.
    pub modifier1: u8,
    /// Octets of vars, little endian.
    pub size: u16,
    /// Fourth octet.
    pub modifier2: u8,
    /// Whether the vars fill the block exactly.
    pub exact: bool,
}

/// The SCGI netstring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Netstring {
    /// The length as it was spelled.
    pub length: String,
    /// Whether a comma stands behind so many octets.
    pub comma: bool,
}

/// The process as a CGI program found it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Arguments, the program's name first, one code point per octet.
    pub argv: Vec<String>,
    /// Variables `NAME=value` in order, one code point per octet.
    pub environ: Vec<String>,
    /// Current directory.
    pub cwd: String,
    /// Open descriptors with what they are: `(0, "pipe")`.
    pub descriptors: Vec<(i32, String)>,
    /// Numbers of the signals that are blocked.
    pub blocked: Vec<i32>,
    /// Numbers of the signals that are ignored.
    pub ignored: Vec<i32>,
    /// Mask of file modes, in octal: `0022`.
    pub umask: String,
    /// Soft limits by name, as the system words them.
    pub limits: Vec<(String, String)>,
    /// Whether nothing is left of the process, not even an entry that nobody has waited for;
    /// `None` where the system does not tell which process it is.
    #[serde(skip)]
    pub gone: Option<bool>,
}
