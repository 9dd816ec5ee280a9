//! A receipt's list of leaves is exactly what it signs and what was assigned [diluting leaves].

use assay_protocol::receipt::{Leaf, LeavesError, Receipt, SignedReceipt, output_tree};
use assay_protocol::sig::Signature;

/// Two renditions of two chunks.
fn leaves() -> Vec<Leaf> {
    let leaf = |i: u32| Leaf {
        rendition: (i / 2) as u8,
        chunk: i % 2,
        output_len: 10 + i,
        ..Default::default()
    };
    (0..4).map(leaf).collect()
}

/// Signs these leaves.
fn receipt(leaves: Vec<Leaf>) -> SignedReceipt {
    let receipt = Receipt {
        outputRoot: output_tree(&leaves).root(),
        outputBytes: leaves.iter().map(|leaf| u64::from(leaf.output_len)).sum(),
        ..Default::default()
    };
    SignedReceipt {
        receipt,
        signature: Signature([0; 65].into()),
        leaves,
    }
}

#[test]
fn count_order_root_and_bytes_are_held_to() {
    let check = |receipt: &SignedReceipt| receipt.check_leaves(4, 2);
    assert_eq!(check(&receipt(leaves())), Ok(()));

    for more in [leaves(), leaves()[..1].to_vec()] {
        let diluted = receipt([leaves(), more].concat());
        assert!(matches!(check(&diluted), Err(LeavesError::Count { .. })));
    }
    let short = receipt(leaves()[..3].to_vec());
    assert!(matches!(check(&short), Err(LeavesError::Count { .. })));

    let mut twice = leaves();
    twice[1] = twice[0];
    let twice = check(&receipt(twice));
    assert!(matches!(twice, Err(LeavesError::Place { index: 1, .. })));
    let mut swapped = leaves();
    swapped.swap(1, 2);
    let swapped = check(&receipt(swapped));
    assert!(matches!(swapped, Err(LeavesError::Place { index: 1, .. })));

    let mut other = receipt(leaves());
    other.leaves[3].output_hash.0[0] ^= 1;
    assert!(matches!(check(&other), Err(LeavesError::Root { .. })));
    let mut other = receipt(leaves());
    other.receipt.outputBytes += 1;
    assert!(matches!(
        check(&other),
        Err(LeavesError::Bytes {
            found: 46,
            expected: 47
        })
    ));
}
