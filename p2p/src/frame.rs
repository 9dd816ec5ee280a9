//! Length-prefixed messages on a stream: four bytes, big-endian, then that many bytes. Nothing is allocated for what
//! has only been promised: the buffer grows with what arrives.

use std::io;

use futures::prelude::*;
use libp2p::StreamProtocol;
use libp2p::request_response::Codec;

/// First allocation for a message, whatever length it announces.
const FIRST_ALLOCATION: usize = 16 * 1024;

/// Reads one message of at most `cap` bytes.
pub(crate) async fn read<T: AsyncRead + Unpin + Send>(
    io: &mut T,
    cap: usize,
) -> io::Result<Vec<u8>> {
    let mut prefix = [0; 4];
    io.read_exact(&mut prefix).await?;
    let announced = u32::from_be_bytes(prefix) as usize;
    if announced > cap {
        let text = format!("message of {announced} bytes announced, at most {cap} are taken");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let mut bytes = Vec::with_capacity(announced.min(FIRST_ALLOCATION));
    let read = io.take(announced as u64).read_to_end(&mut bytes).await?;
    if read < announced {
        let text = format!("stream ended after {read} of {announced} bytes");
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
    }
    Ok(bytes)
}

/// Writes one message of at most `cap` bytes, given in parts.
pub(crate) async fn write<T: AsyncWrite + Unpin + Send>(
    io: &mut T,
    cap: usize,
    parts: &[&[u8]],
) -> io::Result<()> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let prefix = u32::try_from(length)
        .ok()
        .filter(|_| length <= cap)
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("message of {length} bytes, at most {cap} are sent"),
            )
        })?;
    io.write_all(&prefix.to_be_bytes()).await?;
    for part in parts {
        io.write_all(part).await?;
    }
    io.flush().await
}

/// A request that breaks the protocol. Handed up as a request, because request-response keeps failed reads to itself
/// and the sender's score should fall.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) String);

/// Reads a request of at most `cap` bytes; a longer one is malformed, a broken stream an error.
pub(crate) async fn read_request<T: AsyncRead + Unpin + Send>(
    io: &mut T,
    cap: usize,
) -> io::Result<Result<Vec<u8>, Malformed>> {
    match read(io, cap).await {
        Err(e) if e.kind() == io::ErrorKind::InvalidData => Ok(Err(Malformed(e.to_string()))),
        read => read.map(Ok),
    }
}

/// The message to send; what could not be read is not passed on.
pub(crate) fn well_formed<T>(request: Result<T, Malformed>) -> io::Result<T> {
    request.map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))
}

/// Answer to a job or verdict message: one status byte, then the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// 0: the node's answer.
    Payload(Vec<u8>),
    /// 1: over quota or overloaded; ask later.
    Busy,
}

/// Codec of `/assay/job/1` and `/assay/verdict/1`: opaque bytes up to two caps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameCodec {
    /// Largest request, bytes.
    pub(crate) request: usize,
    /// Largest answer, bytes, without its status byte.
    pub(crate) reply: usize,
}

impl Codec for FrameCodec {
    type Protocol = StreamProtocol;
    type Request = Result<Vec<u8>, Malformed>;
    type Response = Reply;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Self::Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_request(io, self.request).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Reply>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut bytes = read(io, self.reply + 1).await?;
        match bytes.first() {
            Some(0) => {
                bytes.remove(0);
                Ok(Reply::Payload(bytes))
            }
            Some(1) if bytes.len() == 1 => Ok(Reply::Busy),
            other => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("unknown answer status {other:?}"),
            )),
        }
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Self::Request,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, self.request, &[&well_formed(request)?]).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        reply: Reply,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        match reply {
            Reply::Payload(bytes) => write(io, self.reply + 1, &[&[0], &bytes]).await,
            Reply::Busy => write(io, self.reply + 1, &[&[1]]).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use futures::io::Cursor;

    #[test]
    fn messages_return() {
        let mut wire = Cursor::new(Vec::new());
        block_on(write(&mut wire, 8, &[b"ab", b"", b"cde"])).unwrap();
        assert_eq!(wire.get_ref()[..], *b"\0\0\0\x05abcde");
        wire.set_position(0);
        assert_eq!(block_on(read(&mut wire, 5)).unwrap(), b"abcde");
    }

    #[test]
    fn caps_hold_on_both_sides_and_cut_streams_are_errors() {
        let mut wire = Cursor::new(Vec::new());
        assert_eq!(
            block_on(write(&mut wire, 4, &[b"abcde"]))
                .unwrap_err()
                .kind(),
            io::ErrorKind::InvalidInput
        );
        let mut promise = Cursor::new(u32::MAX.to_be_bytes());
        assert_eq!(
            block_on(read(&mut promise, 4096)).unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
        let mut cut = Cursor::new(b"\0\0\0\x05abc".to_vec());
        assert_eq!(
            block_on(read(&mut cut, 5)).unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
    }

    #[test]
    fn unknown_status_bytes_are_refused() {
        let protocol = StreamProtocol::new("/assay/job/1");
        let mut codec = FrameCodec {
            request: 8,
            reply: 8,
        };
        for bytes in [&b"\0\0\0\x01\x02"[..], b"\0\0\0\0", b"\0\0\0\x02\x01a"] {
            let mut wire = Cursor::new(bytes.to_vec());
            assert!(block_on(codec.read_response(&protocol, &mut wire)).is_err());
        }
    }
}
