//! Ranges and their proofs: bao encodings in groups of 16 KiB, made from a store and checked on arrival.

use std::io;

use bao_tree::io::BaoContentItem;
use bao_tree::io::outboard::PostOrderMemOutboard;
use bao_tree::io::sync::{
    DecodeResponseIter, ReadAt, encode_ranges_validated, outboard_post_order,
};
use bao_tree::{BaoTree, BlockSize};

use crate::blob::{BlobRequest, MAX_PROOF};

/// 2^4 chunks of 1 KiB: groups of 16 KiB, 0.4 % of proof on top of the data.
const GROUP: BlockSize = BlockSize::from_chunk_log(4);
/// The tree of a blob's hashes, needed to prove ranges: 64 bytes per 16 KiB.
pub(crate) type Outboard = PostOrderMemOutboard<Vec<u8>>;

/// Hashes a blob of `len` bytes.
pub(crate) fn outboard(data: impl io::Read, len: u64) -> io::Result<Outboard> {
    let tree = BaoTree::new(len, GROUP);
    let mut hashes = Vec::new();
    let root = outboard_post_order(data, tree, &mut hashes)?;
    Ok(PostOrderMemOutboard {
        root,
        tree,
        data: hashes,
    })
}

/// Encodes a well-formed range with its proof; the data is checked while it is read, so that a damaged store is an
/// error here and not a lie to the asker.
pub(crate) fn prove(
    request: &BlobRequest,
    data: impl ReadAt,
    outboard: &Outboard,
) -> io::Result<Vec<u8>> {
    let mut encoded = Vec::with_capacity(request.len as usize + MAX_PROOF);
    encode_ranges_validated(data, outboard, &request.chunk_ranges(), &mut encoded)
        .map_err(io::Error::other)?;
    Ok(encoded)
}

/// What is wrong with an answer's data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadData {
    /// It contradicts the hash.
    #[error("the bytes at {offset} do not belong to the hash: {reason}")]
    Mismatch {
        /// Start of the range asked for.
        offset: u64,
        /// The decoder's words.
        reason: String,
    },
    /// It goes on after the end of the range.
    #[error("{0} bytes more than the range and its proof")]
    Trailing(usize),
}

/// Checks an answer to a well-formed request and gives the range's bytes.
pub(crate) fn verify(request: &BlobRequest, encoded: &[u8]) -> Result<Vec<u8>, BadData> {
    let tree = BaoTree::new(request.blob_len, GROUP);
    let ranges = request.chunk_ranges();
    let root = blake3::Hash::from_bytes(request.hash.0);
    let mismatch = |reason: String| BadData::Mismatch {
        offset: request.offset,
        reason,
    };
    let mut rest = encoded;
    let mut bytes = Vec::with_capacity(request.len as usize);
    for item in DecodeResponseIter::new(root, tree, &mut rest, &ranges) {
        match item.map_err(|e| mismatch(e.to_string()))? {
            BaoContentItem::Parent(_) => {}
            BaoContentItem::Leaf(leaf) if leaf.offset == request.offset + bytes.len() as u64 => {
                bytes.extend_from_slice(&leaf.data);
            }
            BaoContentItem::Leaf(leaf) => {
                return Err(mismatch(format!("group at {} out of order", leaf.offset)));
            }
        }
    }
    if !rest.is_empty() {
        return Err(BadData::Trailing(rest.len()));
    }
    if bytes.len() != request.len as usize {
        return Err(mismatch(format!(
            "{} of {} bytes",
            bytes.len(),
            request.len
        )));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::tests::{ask, blob};
    use crate::blob::{GROUP_BYTES, MAX_ANSWER};

    #[test]
    fn every_range_of_every_shape_verifies() {
        for len in [1, 1023, 1024, 16_384, 16_385, 50_000, 300_000] {
            let data = blob(len);
            let tree = outboard(&data[..], len as u64).unwrap();
            for start in (0..len as u64).step_by(GROUP_BYTES as usize) {
                for groups in [1, 2, 5, 64] {
                    let end = (start + groups * GROUP_BYTES).min(len as u64);
                    let request = ask(&data, start, (end - start) as u32);
                    assert!(request.is_well_formed());
                    let encoded = prove(&request, &data[..], &tree).unwrap();
                    assert!(encoded.len() < MAX_ANSWER);
                    assert_eq!(
                        verify(&request, &encoded).unwrap(),
                        data[start as usize..end as usize]
                    );
                }
            }
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_a_cut_and_a_tail_are_found() {
        let data = blob(40_000);
        let tree = outboard(&data[..], 40_000).unwrap();
        let request = ask(&data, 16_384, 16_384);
        let encoded = prove(&request, &data[..], &tree).unwrap();
        for at in (0..encoded.len())
            .step_by(997)
            .chain([0, 63, 64, encoded.len() - 1])
        {
            let mut bad = encoded.clone();
            bad[at] ^= 4;
            assert!(
                matches!(verify(&request, &bad), Err(BadData::Mismatch { .. })),
                "bit at {at}"
            );
        }
        assert!(verify(&request, &encoded[..encoded.len() - 1]).is_err());
        assert_eq!(
            verify(&request, &[&encoded[..], &[0]].concat()),
            Err(BadData::Trailing(1))
        );
        // The length is proven by the range at the end.
        let last = ask(&data, 32_768, 7_232);
        let encoded = prove(&last, &data[..], &tree).unwrap();
        assert!(verify(&last, &encoded).is_ok());
        let longer = BlobRequest {
            blob_len: 40_001,
            len: 7_233,
            ..last
        };
        assert!(verify(&longer, &encoded).is_err());
    }

    #[test]
    fn a_damaged_store_does_not_lie() {
        let mut data = blob(40_000);
        let tree = outboard(&data[..], 40_000).unwrap();
        let request = ask(&data, 0, 16_384);
        data[5] ^= 1;
        assert!(prove(&request, &data[..], &tree).is_err());
    }
}
