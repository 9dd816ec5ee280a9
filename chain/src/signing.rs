//! Signing a transaction with the operator's key.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use assay_protocol::sig::OperatorKey;
use ethers::core::types as eth;
use ethers::core::types::transaction::eip1559::Eip1559TransactionRequest;
use ethers::core::types::transaction::eip2718::TypedTransaction;

use crate::convert::{address_out, hash_in, word_out};

/// What is signed: an EIP-1559 transaction without access list. `to` of `None` creates a contract.
#[derive(Clone, Debug)]
pub(crate) struct Unsigned<'a> {
    pub chain_id: u64,
    pub nonce: u64,
    pub to: Option<Address>,
    pub data: &'a [u8],
    pub value: U256,
    pub gas: u64,
    pub max_fee: U256,
    pub tip: U256,
}

/// The bytes to broadcast and the hash under which the chain will know them.
pub(crate) fn sign(key: &OperatorKey, unsigned: &Unsigned<'_>) -> (Bytes, B256) {
    let mut request = Eip1559TransactionRequest::new()
        .chain_id(unsigned.chain_id)
        .nonce(unsigned.nonce)
        .data(unsigned.data.to_vec())
        .value(word_out(unsigned.value))
        .gas(unsigned.gas)
        .max_fee_per_gas(word_out(unsigned.max_fee))
        .max_priority_fee_per_gas(word_out(unsigned.tip));
    if let Some(to) = unsigned.to {
        request = request.to(address_out(to));
    }
    let tx = TypedTransaction::Eip1559(request);
    let signature = key.sign(hash_in(tx.sighash())).0;
    let raw = tx.rlp_signed(&eth::Signature {
        r: eth::U256::from_big_endian(&signature[..32]),
        s: eth::U256::from_big_endian(&signature[32..64]),
        // Typed transactions carry the bare parity.
        v: u64::from(signature[64]).saturating_sub(27),
    });
    let raw = Bytes::from(raw.0);
    let hash = keccak256(&raw);
    (raw, hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ethers::core::utils::rlp::Rlp;

    #[test]
    fn the_signer_is_recovered_from_the_broadcast_bytes() {
        let key = OperatorKey::from_bytes([9; 32]).unwrap();
        for nonce in 0..8 {
            let to = (nonce % 2 == 0).then(|| Address::repeat_byte(3));
            let (raw, hash) = sign(
                &key,
                &Unsigned {
                    chain_id: 31_337,
                    nonce,
                    to,
                    data: &[1, 2, 3],
                    value: U256::from(5),
                    gas: 21_000,
                    max_fee: U256::from(100),
                    tip: U256::from(1),
                },
            );
            let (tx, signature) = TypedTransaction::decode_signed(&Rlp::new(&raw)).unwrap();
            assert_eq!(
                signature.recover(tx.sighash()).unwrap(),
                address_out(key.address())
            );
            assert_eq!(hash_in(tx.hash(&signature)), hash);
        }
    }
}
