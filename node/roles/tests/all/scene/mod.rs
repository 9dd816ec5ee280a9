//! The job that the broadcasters of these tests have.

use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use assay_protocol::rules::Job;
use assay_protocol::{Address, U256, keccak256};

/// Its broadcaster.
pub const PAYER: Address = Address::repeat_byte(0xb0);

/// A job of 64×64 pixels in chunks of 15 frames, for at most this many wei a pixel.
pub fn job(max_price: u64) -> Job {
    let rendition = Rendition::plain(64, 64, 10, 100);
    Job {
        id: U256::from(1),
        broadcaster: PAYER,
        profiles: Profiles {
            chunk_frames: 15,
            source: SourceFormat::plain(64, 64, 30),
            renditions: vec![rendition],
        },
        max_price: U256::from(max_price),
        seed: keccak256(b"seed"),
        seed_block: 0,
    }
}
