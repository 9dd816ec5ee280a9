//! RTMP's chunk stream: messages in pieces, several at once (Adobe's "RTMP Specification 1.0", 5.3).

use std::collections::BTreeMap;

/// Streams of chunks that one connection may use; senders use four or so.
const STREAMS: usize = 16;
/// Largest chunk that may be announced.
const CHUNK: usize = 1 << 20;
/// Where times and lengths of 24 bits end and 32 bits follow.
const EXTENDED: u32 = 0x00ff_ffff;

/// Why a connection is no RTMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChunkError {
    #[error("the sender uses more than {STREAMS} chunk streams")]
    Streams,
    #[error("the sender announces a message of {found} bytes, at most {max} are taken now")]
    Large { found: usize, max: usize },
    #[error("the sender announces chunks of {0} bytes")]
    ChunkSize(usize),
    #[error("the sender refers to a chunk that it has not sent")]
    Reference,
    #[error("the sender speaks version {0} of RTMP, expected 3")]
    Version(u8),
    #[error("part {part} of an aggregate message is cut off")]
    CutOff { part: usize },
    #[error("an aggregate message has more than {max} parts")]
    Parts { max: usize },
}

/// A whole message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub kind: u8,
    pub stream: u32,
    /// Milliseconds.
    pub time: u32,
    pub bytes: Vec<u8>,
}

#[derive(Default)]
struct Head {
    time: u32,
    /// What is added for a message without a time of its own; nothing after one with a whole time, as all servers have it.
    delta: u32,
    extended: bool,
    len: usize,
    kind: u8,
    stream: u32,
    partial: Vec<u8>,
}

pub(super) struct Chunks {
    buffer: Vec<u8>,
    size: usize,
    heads: BTreeMap<u32, Head>,
    /// Largest message that is taken.
    pub limit: usize,
}

impl Chunks {
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            size: 128,
            heads: BTreeMap::new(),
            limit,
        }
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, once it is there.
    pub fn next(&mut self) -> Result<Option<Message>, ChunkError> {
        loop {
            let Some((used, message)) = self.chunk()? else {
                return Ok(None);
            };
            self.buffer.drain(..used);
            match message {
                Some(message) if message.kind == 1 => {
                    let size = message.bytes.first_chunk().copied().map(u32::from_be_bytes);
                    let size = size.unwrap_or(0) as usize;
                    if !(1..=CHUNK).contains(&size) {
                        return Err(ChunkError::ChunkSize(size));
                    }
                    self.size = size;
                }
                Some(message) => return Ok(Some(message)),
                None => {}
            }
        }
    }

    /// Reads one chunk: its length, and the message that it ends.
    fn chunk(&mut self) -> Result<Option<(usize, Option<Message>)>, ChunkError> {
        let Some(chunk) = Parsed::read(&self.buffer) else {
            return Ok(None);
        };
        let known = self.heads.contains_key(&chunk.id);
        if !known && chunk.format != 0 {
            return Err(ChunkError::Reference);
        }
        if !known && self.heads.len() >= STREAMS {
            return Err(ChunkError::Streams);
        }
        let mut at = chunk.used;
        let head = self.heads.entry(chunk.id).or_default();
        let begins = head.partial.is_empty();
        let (mut told, extended) = (
            chunk.told,
            chunk.told.map_or(head.extended, |time| time == EXTENDED),
        );
        if extended {
            let Some(bytes) = self
                .buffer
                .get(at..)
                .and_then(|rest| rest.first_chunk::<4>())
            else {
                return Ok(None);
            };
            told = told.map(|_| u32::from_be_bytes(*bytes));
            at += 4;
        }
        let len = chunk.len.unwrap_or(head.len);
        if len > self.limit {
            return Err(ChunkError::Large {
                found: len,
                max: self.limit,
            });
        }
        let piece = self.size.min(len.saturating_sub(head.partial.len()));
        let Some(bytes) = self.buffer.get(at..at + piece) else {
            return Ok(None);
        };
        if begins {
            (head.time, head.delta) = match (chunk.format, told) {
                (0, Some(time)) => (time, 0),
                (_, told) => {
                    let delta = told.unwrap_or(head.delta);
                    (head.time.wrapping_add(delta), delta)
                }
            };
        }
        (head.extended, head.len) = (extended, len);
        head.kind = chunk.kind.unwrap_or(head.kind);
        head.stream = chunk.stream.unwrap_or(head.stream);
        head.partial.extend_from_slice(bytes);
        let done = head.partial.len() >= head.len;
        let message = done.then(|| Message {
            kind: head.kind,
            stream: head.stream,
            time: head.time,
            bytes: std::mem::take(&mut head.partial),
        });
        Ok(Some((at + piece, message)))
    }
}

/// A chunk's headers.
struct Parsed {
    id: u32,
    format: u8,
    told: Option<u32>,
    len: Option<usize>,
    kind: Option<u8>,
    stream: Option<u32>,
    used: usize,
}

impl Parsed {
    fn read(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let (id, mut used) = match first & 0x3f {
            0 => (64 + u32::from(*bytes.get(1)?), 2),
            1 => {
                let (low, high) = (*bytes.get(1)?, *bytes.get(2)?);
                (64 + u32::from(low) + 256 * u32::from(high), 3)
            }
            id => (id.into(), 1),
        };
        let format = first >> 6;
        let three = |at: usize| {
            let b = bytes.get(at..at + 3)?;
            Some(u32::from_be_bytes([0, b[0], b[1], b[2]]))
        };
        let (mut told, mut len, mut kind, mut stream) = (None, None, None, None);
        if format < 3 {
            told = Some(three(used)?);
            used += 3;
        }
        if format < 2 {
            len = Some(three(used)? as usize);
            kind = Some(*bytes.get(used + 3)?);
            used += 4;
        }
        if format < 1 {
            let id = bytes.get(used..)?.first_chunk::<4>()?;
            stream = Some(u32::from_le_bytes(*id));
            used += 4;
        }
        Some(Self {
            id,
            format,
            told,
            len,
            kind,
            stream,
            used,
        })
    }
}

/// A message as chunks of 128 bytes, which is what a receiver expects at first.
pub(super) fn write(id: u8, message: &Message) -> Vec<u8> {
    let mut out = vec![id];
    out.extend_from_slice(&message.time.to_be_bytes()[1..]);
    out.extend_from_slice(&(message.bytes.len() as u32).to_be_bytes()[1..]);
    out.push(message.kind);
    out.extend_from_slice(&message.stream.to_le_bytes());
    for (index, piece) in message.bytes.chunks(128).enumerate() {
        if index > 0 {
            out.push(0xc0 | id);
        }
        out.extend_from_slice(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(len: usize) -> Message {
        Message {
            kind: 9,
            stream: 1,
            time: 77,
            bytes: (0..len).map(|i| i as u8).collect(),
        }
    }

    #[test]
    fn messages_come_back_whatever_pieces_they_come_in() {
        let sent = [message(0), message(127), message(129), message(1000)];
        let bytes: Vec<u8> = sent.iter().flat_map(|m| write(5, m)).collect();
        for step in [1, 7, 128, bytes.len()] {
            let mut chunks = Chunks::new(4096);
            let mut came = Vec::new();
            for piece in bytes.chunks(step) {
                chunks.feed(piece);
                while let Some(message) = chunks.next().unwrap() {
                    came.push(message);
                }
            }
            assert_eq!(came, sent, "in steps of {step}");
        }
    }

    #[test]
    fn differences_of_time_add_up() {
        let mut bytes = write(5, &message(3));
        // The same length and kind 40 ms later, and once more with everything as before.
        bytes.extend_from_slice(&[0x85, 0, 0, 40, 1, 2, 3, 0xc5, 4, 5, 6]);
        let mut chunks = Chunks::new(4096);
        chunks.feed(&bytes);
        let mut times = Vec::new();
        while let Some(message) = chunks.next().unwrap() {
            times.push(message.time);
        }
        assert_eq!(times, [77, 117, 157]);
    }

    #[test]
    fn hostile_headers_are_refused() {
        let fed = |bytes: &[u8]| {
            let mut chunks = Chunks::new(4096);
            chunks.feed(bytes);
            chunks.next()
        };
        let large = [5, 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0];
        assert!(matches!(fed(&large), Err(ChunkError::Large { .. })));
        assert_eq!(fed(&[0xc5, 1]), Err(ChunkError::Reference));
        let size = write(
            2,
            &Message {
                kind: 1,
                bytes: vec![0; 4],
                ..Message::default()
            },
        );
        assert_eq!(fed(&size), Err(ChunkError::ChunkSize(0)));
        let many: Vec<u8> = (3..40).flat_map(|id| write(id, &message(1))).collect();
        let mut chunks = Chunks::new(4096);
        chunks.feed(&many);
        let mut last = None;
        for _ in 0..40 {
            if let Err(e) = chunks.next() {
                last = Some(e);
            }
        }
        assert_eq!(last, Some(ChunkError::Streams));
    }
}
