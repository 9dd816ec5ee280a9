//! The adversary of the demonstration: one chunk in five is encoded worse than the profile says.

use assay_encoder::EncodeRequest;
use assay_node::Craft;
use assay_protocol::assignment::Assignment;
use assay_protocol::keccak256;

/// Added to the quantizer index of a cheap chunk; about half the bits. With a bitrate that is what is halved.
const WORSE: u8 = 80;

/// Cheats by a pattern that follows from a seed, the segment and the leaf.
#[derive(Clone, Copy, Debug)]
pub struct CheapChunks {
    seed: u64,
}

impl CheapChunks {
    /// The pattern of a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Whether leaf `leaf` of segment `seq` comes out worse.
    pub fn tampers(&self, seq: u32, leaf: u32) -> bool {
        let lot = keccak256(
            [
                &self.seed.to_be_bytes()[..],
                &seq.to_be_bytes(),
                &leaf.to_be_bytes(),
            ]
            .concat(),
        );
        u16::from_be_bytes([lot[0], lot[1]]) % 5 == 0
    }
}

impl Craft for CheapChunks {
    fn shape(&self, assignment: &Assignment, request: &mut EncodeRequest) -> Vec<u32> {
        let mut tampered = Vec::new();
        for leaf in request
            .leaves
            .iter_mut()
            .filter(|leaf| self.tampers(assignment.seq, leaf.leaf))
        {
            match leaf.settings.bitrate_kbps {
                0 => leaf.settings.quantizer = leaf.settings.quantizer.saturating_add(WORSE),
                kbps => leaf.settings.bitrate_kbps = (kbps / 2).max(1),
            }
            tampered.push(leaf.leaf);
        }
        tampered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_one_leaf_in_five() {
        let cheat = CheapChunks::new(3);
        let wrong = (0..1000).flat_map(|seq| (0..8).map(move |leaf| (seq, leaf)));
        let count = wrong
            .filter(|(seq, leaf)| cheat.tampers(*seq, *leaf))
            .count();
        assert!((1_450..1_750).contains(&count), "{count}");
    }
}
