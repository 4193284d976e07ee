//! Octets out of a file: as they are, or spelled in hexadecimal digits as people paste them.

/// The octets that the input means: the digits of a dump where it is one, else the input itself.
/// Understood are plain digits with white space, commas, `0x` and `\x` between them, and the dumps
/// of `xxd` and `hexdump -C`.
pub fn octets(input: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(input) else {
        return input.to_vec();
    };
    dump(text)
        .or_else(|| digits(text))
        .unwrap_or_else(|| input.to_vec())
}

/// Lines of `OFFSET: 0102 0304  text` or `OFFSET  01 02 … |text|`.
fn dump(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first = lines.clone().next()?;
    let by_xxd = first.get(8..9) == Some(":");
    let by_hexdump = first.contains('|') && first.get(8..10) == Some("  ");
    if !(by_xxd || by_hexdump) {
        return None;
    }
    lines.try_for_each(|line| {
        let offset = line.get(..8)?;
        offset
            .bytes()
            .all(|b| b.is_ascii_hexdigit())
            .then_some(())?;
        let rest = line.get(9..).unwrap_or_default();
        let shown = match by_xxd {
            // Two spaces come before the text.
            true => rest.split("  ").next()?,
            false => rest.split('|').next()?,
        };
        octets.extend(digits(shown).or_else(|| shown.trim().is_empty().then(Vec::new))?);
        Some(())
    })?;
    Some(octets)
}

/// Nothing but hexadecimal digits, an even number of them, and what stands between them.
fn digits(text: &str) -> Option<Vec<u8>> {
    let bare = text.replace("0x", "").replace("\\x", "");
    let is_between = |c: char| c.is_whitespace() || c == ',';
    let digits: Vec<u32> = bare
        .chars()
        .filter(|&c| !is_between(c))
        .map(|c| c.to_digit(16))
        .collect::<Option<_>>()?;
    if digits.is_empty() || digits.len() % 2 == 1 {
        return None;
    }
    let octet = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).ok();
    digits.chunks_exact(2).map(octet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00GET";

    #[test]
    fn every_way_to_paste_octets_is_understood() {
        for text in [
            "01 01 00 01 00 08 00 00 00 01 01 00 00 00 00 00 47 45 54",
            "0101000100080000\n0001010000000000474554\n",
            "0x01,0x01,0x00,0x01,0,0,0,8,0x00,0x00,0,0,0,1,01,00,00,00,00,00,47,45,54",
            "00000000: 0101 0001 0008 0000 0001 0100 0000 0000  ................\n\
             00000010: 4745 54                                  GET\n",
            "00000000  01 01 00 01 00 08 00 00  00 01 01 00 00 00 00 00  |................|\n\
             00000010  47 45 54                                          |GET|\n00000013\n",
        ] {
            assert_eq!(octets(text.as_bytes()), REQUEST, "{text}");
        }
    }

    #[test]
    fn what_is_no_dump_is_taken_as_it_is() {
        for input in [
            REQUEST,
            b"GET / HTTP/1.1\r\n\r\n",
            b"24:CONTENT_LENGTH",
            b"abc",
            b"",
        ] {
            assert_eq!(octets(input), input);
        }
    }
}
