//! The one place where `ethers` words become the workspace's words and back.

use alloy_primitives::{Address, B256, U256};
use ethers::core::types as eth;

pub(crate) fn address_in(a: eth::Address) -> Address {
    Address::from(a.0)
}

pub(crate) fn address_out(a: Address) -> eth::Address {
    eth::H160(a.0.0)
}

pub(crate) fn hash_in(h: eth::H256) -> B256 {
    B256::from(h.0)
}

pub(crate) fn word_in(w: eth::U256) -> U256 {
    U256::from_limbs(w.0)
}

pub(crate) fn word_out(w: U256) -> eth::U256 {
    eth::U256(w.into_limbs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_value_both_ways() {
        let word = U256::from_be_bytes(std::array::from_fn::<u8, 32, _>(|i| i as u8 + 1));
        let there = word_out(word);
        let mut bytes = [0u8; 32];
        there.to_big_endian(&mut bytes);
        assert_eq!(bytes, word.to_be_bytes::<32>());
        assert_eq!(word_in(there), word);
        assert_eq!(hash_in(eth::H256::repeat_byte(7)), B256::repeat_byte(7));
        let address = Address::with_last_byte(9);
        assert_eq!(address_in(address_out(address)), address);
    }
}
