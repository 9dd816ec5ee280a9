//! Aggregate messages: several messages in one, each as a tag of FLV (RTMP 7.1.6).

use super::chunks::{ChunkError, Message};

/// What stands before the bytes of a part: its kind, length, time and stream.
const HEAD: usize = 11;
/// What stands behind them: how far it is back to where they began. Nobody needs it.
const BACK: usize = 4;
/// Parts of one message; senders put a second or so into one.
const PARTS: usize = 1024;

/// What is in an aggregate message. Times of parts are relative to each other: the first has the whole's.
pub(super) fn parts(whole: &Message) -> Result<Vec<Message>, ChunkError> {
    let mut parts = Vec::new();
    let (mut rest, mut first) = (&whole.bytes[..], None);
    while !rest.is_empty() {
        if parts.len() == PARTS {
            return Err(ChunkError::Parts { max: PARTS });
        }
        let cut_off = ChunkError::CutOff {
            part: parts.len() + 1,
        };
        let head = rest.first_chunk::<HEAD>().ok_or(cut_off)?;
        let len = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
        let time = u32::from_be_bytes([head[7], head[4], head[5], head[6]]);
        let bytes = rest.get(HEAD..HEAD + len).ok_or(cut_off)?;
        let since = time.wrapping_sub(*first.get_or_insert(time));
        parts.push(Message {
            kind: head[0],
            stream: whole.stream,
            time: whole.time.wrapping_add(since),
            bytes: bytes.to_vec(),
        });
        // The last one's may be missing.
        rest = rest.get(HEAD + len + BACK..).unwrap_or_default();
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(kind: u8, time: u32, bytes: &[u8]) -> Vec<u8> {
        let (len, time) = ((bytes.len() as u32).to_be_bytes(), time.to_be_bytes());
        let head = [kind, len[1], len[2], len[3], time[1], time[2], time[3]];
        let back = (bytes.len() as u32 + HEAD as u32).to_be_bytes();
        [&head[..], &[time[0], 0, 0, 0], bytes, &back].concat()
    }

    fn whole(bytes: Vec<u8>) -> Message {
        Message {
            kind: 22,
            stream: 1,
            time: 5000,
            bytes,
        }
    }

    #[test]
    fn parts_have_their_times() {
        let bytes = [
            part(8, 0x0100_0000, &[1, 2]),
            part(9, 0x0100_0028, &[3]),
            part(8, 0x00ff_fff8, &[]),
        ];
        let mut bytes = bytes.concat();
        let found = parts(&whole(bytes.clone())).unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|part| (part.kind, part.time, &part.bytes[..]))
            .collect();
        let expected: [(u8, u32, &[u8]); 3] = [(8, 5000, &[1, 2]), (9, 5040, &[3]), (8, 4992, &[])];
        assert_eq!(told, expected);
        // The last one may end without saying how long it was.
        bytes.truncate(bytes.len() - BACK);
        assert_eq!(parts(&whole(bytes)).unwrap(), found);
        assert!(parts(&whole(Vec::new())).unwrap().is_empty());
    }

    #[test]
    fn malformed_ones_are_refused() {
        let good = part(9, 7, &[1; 20]);
        for cut in 1..HEAD + 20 {
            let found = parts(&whole([&good[..], &good[..cut]].concat()));
            assert_eq!(found, Err(ChunkError::CutOff { part: 2 }), "{cut}");
        }
        let long = [9, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1].to_vec();
        assert_eq!(parts(&whole(long)), Err(ChunkError::CutOff { part: 1 }));
        let many = part(9, 0, &[]).repeat(PARTS + 1);
        assert_eq!(parts(&whole(many)), Err(ChunkError::Parts { max: PARTS }));
    }
}
