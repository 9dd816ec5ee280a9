//! `/assay/blob/1`: ranges of content named by its BLAKE3 hash, each with the bao proof that it belongs there.
//!
//! A message is a frame: four bytes of length, big-endian, then
//!
//! | request, 52 bytes | |
//! |---|---|
//! | 32 | BLAKE3 hash of the blob |
//! | 8 | the blob's length as the asker knows it |
//! | 8 | offset, a multiple of 16,384 |
//! | 4 | length, 1 … 1,048,576; a multiple of 16,384 unless the range ends with the blob |
//!
//! | answer | |
//! |---|---|
//! | 1 | status: 0 data, 1 not found, 2 not authorised, 3 busy, 4 other length, 5 malformed range |
//! | … | status 0: the bao encoding of the range in groups of 16 KiB (parent pairs of 64 bytes and groups, in pre-order, without a length prefix); status 4: the blob's length, 8 bytes; otherwise nothing |
//!
//! The asker checks every answer against the hash on arrival, so a provider can waste one range of its time and no
//! more.

use std::io;

use assay_protocol::B256;
use bao_tree::ByteRanges;
use bao_tree::io::round_up_to_chunks;
use futures::prelude::*;
use libp2p::StreamProtocol;
use libp2p::request_response::Codec;

use crate::frame::{self, Malformed};

/// Bytes in a group; offsets are multiples of it.
pub(crate) const GROUP_BYTES: u64 = 16 * 1024;
/// Longest range served, bytes.
pub(crate) const MAX_RANGE: u32 = 1024 * 1024;
/// Parent pairs: one of 64 bytes per group plus two paths of at most 64 levels.
pub(crate) const MAX_PROOF: usize = (MAX_RANGE as usize / GROUP_BYTES as usize + 2 * 64) * 64;
pub(crate) const MAX_ANSWER: usize = 1 + MAX_RANGE as usize + MAX_PROOF;
const REQUEST_BYTES: usize = 32 + 8 + 8 + 4;

/// A range of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlobRequest {
    pub(crate) hash: B256,
    pub(crate) blob_len: u64,
    pub(crate) offset: u64,
    pub(crate) len: u32,
}

/// Answer to a [`BlobRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BlobAnswer {
    Data(Vec<u8>),
    Refused(Refusal),
}

/// Why a peer does not serve a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It has no such blob.
    #[error("it does not have the blob")]
    NotFound,
    /// It serves the blob to others, not to this node.
    #[error("it does not serve the blob to this node")]
    NotAuthorised,
    /// Over quota or overloaded; ask later.
    #[error("it is busy")]
    Busy,
    /// Its blob of that hash has another length than asked for.
    #[error("its blob is {0} bytes long")]
    OtherLength(u64),
    /// The range does not lie in the blob or is not aligned.
    #[error("it calls the range malformed")]
    MalformedRange,
}

impl BlobRequest {
    /// Whether the range is aligned, not empty and inside the blob.
    pub(crate) fn is_well_formed(&self) -> bool {
        let end = self.offset.checked_add(self.len.into());
        let aligned = self.offset.is_multiple_of(GROUP_BYTES)
            && (u64::from(self.len).is_multiple_of(GROUP_BYTES) || end == Some(self.blob_len));
        aligned
            && self.len > 0
            && self.len <= MAX_RANGE
            && end.is_some_and(|end| end <= self.blob_len)
    }

    /// The range in BLAKE3 chunks.
    pub(crate) fn chunk_ranges(&self) -> bao_tree::ChunkRanges {
        let end = self.offset + u64::from(self.len);
        round_up_to_chunks(&ByteRanges::from(self.offset..end))
    }

    fn to_bytes(self) -> [u8; REQUEST_BYTES] {
        let mut bytes = [0; REQUEST_BYTES];
        bytes[..32].copy_from_slice(self.hash.as_slice());
        bytes[32..40].copy_from_slice(&self.blob_len.to_be_bytes());
        bytes[40..48].copy_from_slice(&self.offset.to_be_bytes());
        bytes[48..].copy_from_slice(&self.len.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (hash, rest) = bytes.split_first_chunk::<32>()?;
        let (blob_len, rest) = rest.split_first_chunk::<8>()?;
        let (offset, rest) = rest.split_first_chunk::<8>()?;
        let len: [u8; 4] = rest.try_into().ok()?;
        Some(Self {
            hash: B256::from(*hash),
            blob_len: u64::from_be_bytes(*blob_len),
            offset: u64::from_be_bytes(*offset),
            len: u32::from_be_bytes(len),
        })
    }
}

/// Codec of `/assay/blob/1`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BlobCodec;

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.to_owned())
}

impl Codec for BlobCodec {
    type Protocol = StreamProtocol;
    type Request = Result<BlobRequest, Malformed>;
    type Response = BlobAnswer;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Self::Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        let bytes = frame::read_request(io, REQUEST_BYTES).await?;
        Ok(bytes.and_then(|bytes| {
            let text = format!("blob request of {} bytes, not {REQUEST_BYTES}", bytes.len());
            BlobRequest::from_bytes(&bytes).ok_or(Malformed(text))
        }))
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<BlobAnswer>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut bytes = frame::read(io, MAX_ANSWER).await?;
        let refused = match bytes[..] {
            [0, ..] => {
                bytes.remove(0);
                return Ok(BlobAnswer::Data(bytes));
            }
            [1] => Refusal::NotFound,
            [2] => Refusal::NotAuthorised,
            [3] => Refusal::Busy,
            [4, ref len @ ..] => {
                let len = len
                    .try_into()
                    .map_err(|_| invalid("a length has 8 bytes"))?;
                Refusal::OtherLength(u64::from_be_bytes(len))
            }
            [5] => Refusal::MalformedRange,
            _ => return Err(invalid("unknown blob answer")),
        };
        Ok(BlobAnswer::Refused(refused))
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
        frame::write(
            io,
            REQUEST_BYTES,
            &[&frame::well_formed(request)?.to_bytes()],
        )
        .await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        answer: BlobAnswer,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let refused = match answer {
            BlobAnswer::Data(bytes) => return frame::write(io, MAX_ANSWER, &[&[0], &bytes]).await,
            BlobAnswer::Refused(refused) => refused,
        };
        match refused {
            Refusal::NotFound => frame::write(io, MAX_ANSWER, &[&[1]]).await,
            Refusal::NotAuthorised => frame::write(io, MAX_ANSWER, &[&[2]]).await,
            Refusal::Busy => frame::write(io, MAX_ANSWER, &[&[3]]).await,
            Refusal::OtherLength(len) => {
                frame::write(io, MAX_ANSWER, &[&[4], &len.to_be_bytes()]).await
            }
            Refusal::MalformedRange => frame::write(io, MAX_ANSWER, &[&[5]]).await,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use futures::executor::block_on;
    use futures::io::Cursor;

    pub(crate) fn blob(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i * 31 + i / 251) as u8).collect()
    }

    pub(crate) fn ask(data: &[u8], offset: u64, len: u32) -> BlobRequest {
        let hash = B256::from(*blake3::hash(data).as_bytes());
        BlobRequest {
            hash,
            blob_len: data.len() as u64,
            offset,
            len,
        }
    }

    #[test]
    fn ranges_outside_unaligned_or_empty_are_malformed() {
        let data = blob(40_000);
        for (offset, len) in [
            (0, 0),
            (1, 16_384),
            (0, 100),
            (32_768, 16_384),
            (u64::MAX - 16_383, 16_384),
        ] {
            assert!(!ask(&data, offset, len).is_well_formed(), "{offset} {len}");
        }
        assert!(ask(&data, 32_768, 40_000 - 32_768).is_well_formed());
        assert!(!ask(&blob(3 << 20), 0, MAX_RANGE + 16_384).is_well_formed());
    }

    #[test]
    fn requests_and_answers_return_through_the_codec() {
        let protocol = StreamProtocol::new("/assay/blob/1");
        let request = ask(&blob(100), 0, 100);
        let mut wire = Cursor::new(Vec::new());
        block_on(BlobCodec.write_request(&protocol, &mut wire, Ok(request))).unwrap();
        assert_eq!(wire.get_ref().len(), 4 + REQUEST_BYTES);
        wire.set_position(0);
        assert_eq!(
            block_on(BlobCodec.read_request(&protocol, &mut wire)).unwrap(),
            Ok(request)
        );
        let refusals = [
            Refusal::NotFound,
            Refusal::NotAuthorised,
            Refusal::Busy,
            Refusal::OtherLength(7),
            Refusal::MalformedRange,
        ];
        for answer in refusals
            .map(BlobAnswer::Refused)
            .into_iter()
            .chain([BlobAnswer::Data(blob(70))])
        {
            let mut wire = Cursor::new(Vec::new());
            block_on(BlobCodec.write_response(&protocol, &mut wire, answer.clone())).unwrap();
            wire.set_position(0);
            assert_eq!(
                block_on(BlobCodec.read_response(&protocol, &mut wire)).unwrap(),
                answer
            );
        }
    }
}
