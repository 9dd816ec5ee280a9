//! The economy without video: the protocol's own elections, run, credit and mint rules, driven through many rounds.
//!
//! [`wash`] works out what a broadcaster and a transcoder gain by work that they give to themselves, [`idle`] what
//! stake that answers nothing costs all, [`market`] lets transcoders compete on price and delegators look for yield.
//! All are deterministic: the same seed, the same numbers, on every machine, because everything that decides is an
//! integer. Whatever they say of the mint has gone through `protocol::round_work`, as sheets of [`seen`] segments.

pub mod idle;
pub mod market;
pub mod pool;
pub mod wash;

use assay_protocol::round_work::{Seen, Segment};
use assay_protocol::{Address, B256, U256};

/// A segment of a job as every verifier sees it: assigned as attempt 0 in `round` and, if it was delivered, receipted in
/// time.
fn seen(
    round: u64,
    job: U256,
    seq: u32,
    transcoder: Address,
    pixels: u64,
    delivered: bool,
) -> Segment {
    let receipt = Seen {
        // A name of its own is all that the rules ask of a hash.
        hash: B256::from(job << 32 | U256::from(seq)),
        block: 0,
        drawn: U256::ZERO,
        unverifiable: U256::ZERO,
        accused: false,
    };
    Segment {
        job,
        seq,
        attempt: 0,
        round,
        first_round: round,
        forced: true,
        transcoder,
        deadline_block: 0,
        pixels,
        receipts: delivered.then_some(receipt).into_iter().collect(),
    }
}
