//! The jobs of a round: who is elected, who delivers, and what verifiers make of it.

use assay_protocol::election::{Ballot, Snapshot, elect_without};
use assay_protocol::round_work::{Segment, WorkRule, admits, list, sheet};
use assay_protocol::{U256, keccak256};

use super::REFERENCE_PRICE;
use super::round::{CHEAT, Delivered, Network};
use crate::economy::seen;

/// Leaves of a segment.
const LEAVES: u64 = 3;
/// Most attempts of a segment after the first.
const ATTEMPTS: u8 = 3;

impl Network<'_> {
    /// Every broadcaster's job of the round, and the list that the protocol makes of them.
    pub(super) fn publish(&mut self, number: u32, snapshot: &Snapshot) -> Delivered {
        let rule = WorkRule::new(&self.setting.params);
        let mut delivered = Delivered::default();
        let mut sheets = Vec::new();
        let lowest = Self::two_thirds_price(snapshot);
        for broadcaster in 0..self.setting.broadcasters {
            // Between nothing and a quarter more than it must: some care less.
            let cap = lowest + lowest * self.caps.between((0, 25)) / 100;
            let job_id = U256::from(u64::from(number) << 16 | u64::from(broadcaster));
            let high: U256 = U256::from(self.setting.seed) << 64;
            let seed = keccak256((high | job_id).to_be_bytes::<32>());
            let segments = u64::from(self.setting.segments) * REFERENCE_PRICE
                / lowest.max(1)
                / u64::from(self.setting.broadcasters);
            let mut run = Vec::new();
            for seq in 0..segments as u32 {
                let ballot = Ballot {
                    seed,
                    job_id,
                    seq,
                    max_price: U256::from(cap),
                };
                run.extend(self.assign(number, &ballot, snapshot, &mut delivered));
            }
            if admits(snapshot, U256::from(cap), rule.admitted_bps) {
                sheets.extend(sheet(run.iter(), snapshot.round, Some(0), &rule));
            }
        }
        delivered.list = list(snapshot.round, sheets.iter(), snapshot, &rule);
        delivered
    }

    /// The last attempt at a segment, as verifiers see it. Frozen electees are passed over, as the chain shows, and what comes
    /// after them counts like a first attempt. After silent ones it is the broadcaster's word, and does not.
    fn assign(
        &mut self,
        number: u32,
        ballot: &Ballot,
        snapshot: &Snapshot,
        delivered: &mut Delivered,
    ) -> Option<Segment> {
        let (mut passed, mut forced) = (Vec::new(), true);
        for attempt in 0..=ATTEMPTS {
            let electee = elect_without(ballot, snapshot, attempt, &passed)?;
            let found = self
                .transcoders
                .iter()
                .position(|t| t.address == electee.operator);
            let index = found?;
            let frozen = self.transcoders[index].frozen_until.is_some();
            if frozen || self.silent(number, index) {
                passed.push(electee.operator);
                forced &= frozen;
                continue;
            }
            let (round, job) = (snapshot.round, ballot.job_id);
            let pixels = self.segment_pixels;
            let mut segment = Segment {
                attempt,
                forced,
                ..seen(round, job, ballot.seq, electee.operator, pixels, true)
            };
            let convicted = index == CHEAT && self.cheats(number) && self.found_wrong();
            if convicted {
                // Executed after the window; fees for this segment are void, and it counts nothing.
                self.transcoders[index].frozen_until = Some(number + self.case_rounds());
                self.caught = true;
                self.market.caught(number);
                segment.receipts[0].accused = true;
                return Some(segment);
            }
            let price: u64 = electee.price.saturating_to();
            let work = delivered.work.entry(electee.operator).or_default();
            work.segments += 1;
            work.fees += u128::from(price) * u128::from(pixels);
            return Some(segment);
        }
        None
    }

    /// The lowest price that admits two thirds of the stake, and the electees' mean at it.
    fn two_thirds_price(snapshot: &Snapshot) -> u64 {
        let mut prices: Vec<_> = snapshot
            .candidates
            .iter()
            .map(|c| (c.price, c.weight))
            .collect();
        prices.sort();
        let (total, mut admitted) = (snapshot.total(), U256::ZERO);
        for (price, weight) in prices {
            admitted += weight;
            if admitted * U256::from(3) >= total * U256::from(2) {
                return price.saturating_to();
            }
        }
        u64::MAX
    }

    fn cheats(&self, number: u32) -> bool {
        let from = self.setting.rounds * self.setting.cheat_from;
        !self.setting.silent && !self.caught && number * 100 > from
    }

    /// Whether a transcoder answers nothing.
    fn silent(&self, number: u32, index: usize) -> bool {
        let from = self.setting.rounds * self.setting.cheat_from;
        self.setting.silent && index == CHEAT && number * 100 > from
    }

    /// Whether a leaf of this segment is wrong and drawn.
    fn found_wrong(&mut self) -> bool {
        (0..LEAVES).any(|_| {
            self.faults.chance(self.setting.cheat_ppm)
                && self.faults.chance(self.setting.params.checks_per_leaf_ppm)
        })
    }
}
