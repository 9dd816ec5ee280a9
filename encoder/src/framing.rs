//! Length-prefixed messages on the worker's pipes: eight bytes little-endian, then that many.

use std::io::{self, Read, Write};

/// Largest message either side reads, in bytes.
pub(crate) const MAX_MESSAGE: u64 = 1 << 30;

/// Header of a message of `len` bytes.
pub(crate) fn header(len: usize) -> [u8; 8] {
    (len as u64).to_le_bytes()
}

/// Length in a header, checked against `max`.
pub(crate) fn length(header: [u8; 8], max: u64) -> io::Result<u64> {
    let len = u64::from_le_bytes(header);
    if len > max {
        let text = format!("message of {len} bytes, at most {max} expected");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(len)
}

/// Reads one message of at most `max` bytes.
pub(crate) fn read(from: &mut impl Read, max: u64) -> io::Result<Vec<u8>> {
    let mut head = [0; 8];
    from.read_exact(&mut head)?;
    let mut message = Vec::new();
    let len = length(head, max)?;
    if from.take(len).read_to_end(&mut message)? as u64 != len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(message)
}

/// Writes one message.
pub(crate) fn write(to: &mut impl Write, message: &[u8]) -> io::Result<()> {
    to.write_all(&header(message.len()))?;
    to.write_all(message)?;
    to.flush()
}
