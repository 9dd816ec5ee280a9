//! Puts something into an access unit that is in packets.

use super::{PACKET, payload};

/// What a packet has but its head.
const ROOM: usize = PACKET - 4;
/// What a PES packet has before its optional fields, the last byte of which says how long those are.
const PES: usize = 9;

/// The packets of a unit with `bytes` in its elementary stream at `at`; none if they are not as FFmpeg writes them.
///
/// The last one keeps its place in the count of the stream's packets, so what follows goes on with it.
pub(crate) fn insert(packets: &[u8], at: usize, bytes: &[u8]) -> Option<Vec<u8>> {
    let (packets, _) = packets.as_chunks::<PACKET>();
    let (first, last) = (packets.first()?, packets.last()?);
    let mut unit: Vec<u8> = packets.iter().flat_map(payload).copied().collect();
    let begun = PES + usize::from(*unit.get(PES - 1)?) + at;
    if begun > unit.len() {
        return None;
    }
    unit.splice(begun..begun, bytes.iter().copied());
    // Of video the length may be left open, and is where it is too large.
    let told = u16::from_be_bytes([unit[4], unit[5]]);
    let len = match told {
        0 => 0,
        _ => u16::try_from(unit.len() - 6).unwrap_or(0),
    };
    unit[4..6].copy_from_slice(&len.to_be_bytes());
    let mut fields = fields(first)?.to_vec();
    let count = (fields.len() + usize::from(!fields.is_empty()) + unit.len()).div_ceil(ROOM);
    let mut counter = last[3].wrapping_sub(count as u8 - 1);
    let (mut out, mut rest) = (Vec::with_capacity(count * PACKET), &unit[..]);
    while !rest.is_empty() {
        // Only the first one begins a unit.
        let starts = if out.is_empty() { 0xff } else { 0xbf };
        // The field's length is a byte of its own; what is only that has none but it.
        let taken = if fields.is_empty() {
            0
        } else {
            1 + fields.len()
        };
        let stuffing = (ROOM - taken).saturating_sub(rest.len());
        let adapted = taken + stuffing > 0;
        let carries = if adapted { 0x30 } else { 0x10 };
        let control = first[3] & 0xc0 | carries | counter & 0x0f;
        out.extend_from_slice(&[0x47, first[1] & starts, first[2], control]);
        if adapted {
            let len = (taken + stuffing - 1) as u8;
            let end = out.len() + 1 + usize::from(len);
            out.push(len);
            out.append(&mut fields);
            if taken == 0 && len > 0 {
                out.push(0);
            }
            out.resize(end, 0xff);
        }
        let (now, later) = rest.split_at((ROOM - taken - stuffing).min(rest.len()));
        out.extend_from_slice(now);
        rest = later;
        counter = counter.wrapping_add(1);
    }
    Some(out)
}

/// What a packet's adaptation field says, with nothing to fill it; none of what FFmpeg does not write.
fn fields(packet: &[u8; PACKET]) -> Option<&[u8]> {
    let len = usize::from(packet[4]);
    if packet[3] & 0x20 == 0 || len == 0 {
        return Some(&[]);
    }
    // The clock, and the one of where it came from; nothing behind them.
    let flags = packet[5];
    if flags & 0x0f != 0 {
        return None;
    }
    let clock = if flags & 0x10 != 0 { 6 } else { 0 };
    packet
        .get(5..6 + clock)
        .filter(|fields| fields.len() <= len)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A unit of so many bytes as FFmpeg puts it into packets, the first with a clock, and what is in it.
    fn unit(len: usize) -> (Vec<u8>, Vec<u8>) {
        let bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
        let mut pes = vec![0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1];
        pes.extend_from_slice(&bytes);
        let whole = [&[7, 0x50, 1, 2, 3, 4, 5, 6][..]].concat();
        let mut packets = vec![0x47, 0x41, 0, 0x30 | 5];
        packets.extend_from_slice(&whole);
        let (now, mut rest) = pes.split_at(ROOM - whole.len());
        packets.extend_from_slice(now);
        let mut counter = 5;
        while !rest.is_empty() {
            counter += 1;
            let (now, later) = rest.split_at(rest.len().min(ROOM));
            let stuffing = ROOM - now.len();
            packets.extend_from_slice(&[0x47, 1, 0, 0x10 | counter & 15]);
            if let Some(more) = stuffing.checked_sub(1) {
                let at = packets.len();
                packets[at - 1] |= 0x20;
                packets.push(more as u8);
                packets.extend(std::iter::repeat_n(0, more.min(1)));
                packets.resize(at + stuffing, 0xff);
            }
            packets.extend_from_slice(now);
            rest = later;
        }
        (packets, bytes)
    }

    #[test]
    fn what_is_put_in_is_there_and_the_rest_as_before() {
        for len in (200..800).step_by(7) {
            let (packets, bytes) = unit(len);
            for more in [1, 30, 100, 183, 184, 185, 400] {
                let put = vec![0xaa; more];
                let out = insert(&packets, 6, &put).unwrap();
                let (out, rest) = out.as_chunks::<PACKET>();
                assert!(rest.is_empty());
                let es: Vec<u8> = out.iter().flat_map(payload).copied().skip(14).collect();
                assert_eq!(
                    es,
                    [&bytes[..6], &put, &bytes[6..]].concat(),
                    "{len} {more}"
                );
                // Clock and start are in the first, and the count ends as before.
                assert_eq!(out[0][..2], [0x47, 0x41]);
                assert_eq!(out[0][5..12], packets[5..12]);
                let last = packets.len() - PACKET + 3;
                assert_eq!(out.last().unwrap()[3] & 15, packets[last] & 15);
                for pair in out.windows(2) {
                    assert_eq!((pair[0][3] + 1) & 15, pair[1][3] & 15);
                    assert_eq!(pair[1][1], 1);
                }
            }
        }
        assert!(insert(&[], 0, &[1]).is_none());
        assert!(insert(&unit(200).0, 5000, &[1]).is_none());
    }
}
