//! Requests over the uwsgi protocol.

use std::io::Read;

use super::Server;

/// The body of the reply to a request of these variables.
#[track_caller]
pub fn ask(server: &Server, variables: &[(&str, &str)]) -> String {
    let always = [("REQUEST_METHOD", "GET"), ("SERVER_PROTOCOL", "HTTP/1.1")];
    let mut block = Vec::new();
    for (name, value) in always.iter().chain(variables) {
        for text in [name, value] {
            let length = u16::try_from(text.len()).expect("short");
            block.extend(length.to_le_bytes());
            block.extend(text.as_bytes());
        }
    }
    let mut packet = vec![0];
    packet.extend(u16::try_from(block.len()).expect("short").to_le_bytes());
    packet.push(0);
    packet.extend(block);
    let mut peer = server.connect();
    peer.send(packet);
    let mut reply = String::new();
    peer.read_to_string(&mut reply).expect("the reply is text");
    let (_, body) = reply.split_once("\r\n\r\n").expect("the reply has a head");
    body.to_owned()
}
