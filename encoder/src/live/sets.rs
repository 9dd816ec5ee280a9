//! Parameter sets that a sender gives once, at its start. A segment is decoded alone, so it must begin with them.

use crate::transport::{Unit, VideoKind, insert};

/// Parameter sets that are remembered, and their bytes; senders have two or three of a hundred bytes together.
const MOST: (usize, usize) = (64, 16 << 10);

/// The last ones of a sender, without start codes.
#[derive(Default)]
pub(super) struct ParameterSets(Vec<Vec<u8>>);

impl ParameterSets {
    /// Remembers what an access unit has of them.
    pub fn take(&mut self, kind: VideoKind, unit: &[u8]) {
        let sets = kind.heads(unit).sets;
        let (needed, _) = kind.needed();
        if !sets.is_empty() && needed.iter().all(|&number| has(kind, &sets, number)) {
            self.0.clear();
        }
        for set in sets {
            // One that comes again comes after those between.
            self.0.retain(|known| known != set);
            let bytes: usize = self.0.iter().map(Vec::len).sum();
            if self.0.len() < MOST.0 && bytes + set.len() <= MOST.1 {
                self.0.push(set.to_vec());
            }
        }
    }

    /// Puts them into an access unit that begins a segment, if it has not all that are needed.
    pub fn complete(&self, kind: VideoKind, unit: &mut Unit) {
        let heads = kind.heads(&unit.bytes);
        let (needed, _) = kind.needed();
        let misses = |&number: &u8| !has(kind, &heads.sets, number) && has(kind, &self.0, number);
        if !needed.iter().any(misses) {
            return;
        }
        // Its own come after them.
        let more: Vec<u8> = self
            .0
            .iter()
            .flat_map(|set| [&[0, 0, 0, 1], &set[..]].concat())
            .collect();
        if let Some(packets) = insert(&unit.packets, heads.room, &more) {
            unit.packets = packets;
        }
    }
}

fn has(kind: VideoKind, sets: &[impl AsRef<[u8]>], number: u8) -> bool {
    let mut heads = sets.iter().filter_map(|set| set.as_ref().first());
    heads.any(|&head| kind.number(head) == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEVC: VideoKind = VideoKind::Hevc;

    #[test]
    fn the_last_ones_are_remembered() {
        let mut sets = ParameterSets::default();
        let mut take = |units: &[[u8; 2]]| {
            let unit: Vec<u8> = units
                .iter()
                .flat_map(|unit| [&[0, 0, 1], &unit[..]].concat())
                .collect();
            sets.take(HEVC, &[&unit[..], &[0, 0, 1, 0x26, 1]].concat());
            sets.0.concat()
        };
        assert!(take(&[]).is_empty());
        let (video, sequence) = ([0x40, 1], [0x42, 2]);
        let (one, other) = ([0x44, 3], [0x44, 4]);
        let all = [video, sequence, one].concat();
        assert_eq!(take(&[video, sequence, one]), all);
        assert_eq!(take(&[]), all);
        assert_eq!(take(&[other]), [&all[..], &other].concat());
        assert_eq!(take(&[one]), [video, sequence, other, one].concat());
        // All that are needed are all that there are.
        assert_eq!(take(&[video, sequence, one]), all);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut sets = ParameterSets::default();
        for index in 0..1000u16 {
            let set = [&[0, 0, 1, 0x44][..], &index.to_be_bytes(), &[1; 1000]].concat();
            sets.take(HEVC, &[&set[..], &[0, 0, 1, 0x26, 1]].concat());
        }
        assert!(sets.0.concat().len() <= MOST.1 && sets.0.len() > 1);
    }
}
