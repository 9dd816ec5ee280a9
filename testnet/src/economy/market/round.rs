//! One round: snapshot, cases, pay, and what people make of it.

use std::collections::BTreeMap;

use assay_protocol::election::{Candidate, Snapshot};
use assay_protocol::mint::{MintRule, Share};
use assay_protocol::work::WorkList;
use assay_protocol::{Address, U256};

use super::Setting;
use super::actors::{Delegator, Transcoder};
use super::record::{Market, NetworkRow, Row};
use crate::simulator::random::Random;

const BPS: u64 = 10_000;
/// LPT in existence for which mainnet's `full_mint_pixels` was chosen.
const MAINNET_SUPPLY: u64 = 30_000_000;
/// Purposes of randomness.
const PEOPLE: u64 = 1;
const CAPS: u64 = 2;
const FAULTS: u64 = 3;
/// The transcoder that cheats, or falls silent: the one with most stake.
pub(super) const CHEAT: usize = 0;

/// State between rounds.
pub struct Network<'a> {
    pub(super) setting: &'a Setting,
    pub(super) transcoders: Vec<Transcoder>,
    delegators: Vec<Delegator>,
    supply: U256,
    inflation_ppb: u64,
    people: Random,
    pub(super) caps: Random,
    pub(super) faults: Random,
    pub(super) caught: bool,
    pub(super) market: Market,
    /// Output pixels that one elected segment stands for.
    pub(super) segment_pixels: u64,
}

fn lpt(whole: u64) -> U256 {
    U256::from(whole) * U256::from(10).pow(U256::from(18))
}

fn ppm(part: U256, whole: U256) -> u64 {
    let whole = whole.max(U256::from(1));
    (part * U256::from(1_000_000u64) / whole).saturating_to()
}

/// What each transcoder did in a round, and what verifiers certify of it.
#[derive(Default)]
pub(super) struct Delivered {
    /// By operator.
    pub(super) work: BTreeMap<Address, Work>,
    /// The round's list.
    pub(super) list: WorkList,
}

/// What one transcoder did in a round.
#[derive(Clone, Copy, Default)]
pub(super) struct Work {
    /// Segments whose output it delivered.
    pub(super) segments: u64,
    /// Fees, wei.
    pub(super) fees: u128,
}

impl<'a> Network<'a> {
    /// The first round's people, stakes and prices.
    pub fn new(setting: &'a Setting) -> Self {
        let mut people = Random::new(setting.seed, PEOPLE);
        let mut transcoders: Vec<_> = (0..setting.transcoders)
            .map(|rank| Transcoder::new(rank, &mut people, lpt))
            .collect();
        let last = setting.transcoders as u64 - 1;
        let delegators: Vec<_> = (0..setting.delegators)
            .map(|number| {
                let with = people.between((0, last)).min(people.between((0, last))) as usize;
                transcoders[with]
                    .pool
                    .delegate(number, lpt(people.between((200, 5_000))));
                Delegator { with, moving: None }
            })
            .collect();
        let bonded = total(&transcoders);
        // Bonding begins a little below its target, so that inflation has somewhere to go.
        let supply = bonded * U256::from(100) / U256::from(45);
        // As much of mainnet's as this supply is of mainnet's. The setting's segments are all of it at the reference
        // price: each one that is elected stands for as many as that takes.
        let pixels = U256::from(setting.params.full_mint_pixels) * supply / lpt(MAINNET_SUPPLY);
        let segment_pixels: u64 = (pixels / U256::from(setting.segments.max(1))).saturating_to();
        Self {
            setting,
            transcoders,
            delegators,
            supply,
            inflation_ppb: setting.params.inflation_ppb,
            people,
            caps: Random::new(setting.seed, CAPS),
            faults: Random::new(setting.seed, FAULTS),
            caught: false,
            market: Market::new(setting.transcoders, CHEAT),
            segment_pixels,
        }
    }

    /// Everything that was recorded.
    pub fn finish(self) -> Market {
        self.market
    }

    /// Plays one round.
    pub fn round(&mut self, number: u32) {
        self.execute_cases(number);
        self.let_stake_arrive(number);
        let snapshot = self.snapshot(number);
        let Delivered { work, list } = self.publish(number, &snapshot);
        let mintable = self.budget();
        let minted = self.pay(&snapshot, &work, &list, mintable);
        self.write_down(number, &snapshot, &work, &minted, mintable);
        self.react(number, &snapshot, &work);
    }

    fn snapshot(&self, number: u32) -> Snapshot {
        let params = &self.setting.params;
        let mut candidates: Vec<_> = self
            .transcoders
            .iter()
            .map(|t| Candidate {
                operator: t.address,
                weight: t
                    .pool
                    .weight(params.delegation_factor, params.min_own_bond.0),
                price: U256::from(t.price),
            })
            .filter(|c| !c.weight.is_zero())
            .collect();
        candidates.sort_by_key(|c| c.operator);
        Snapshot {
            round: u64::from(number),
            candidates,
        }
    }

    pub(super) fn case_rounds(&self) -> u32 {
        let params = &self.setting.params;
        params.case_blocks.div_ceil(params.round_blocks) as u32
    }

    fn execute_cases(&mut self, number: u32) {
        let bps = self.setting.params.wrong_encode_bps;
        for transcoder in &mut self.transcoders {
            if transcoder.frozen_until.is_some_and(|until| until <= number) {
                transcoder.frozen_until = None;
                let cut = transcoder.pool.slash(bps);
                transcoder.was_slashed(bps);
                // All burned but for the rewards, which are a part of the own bond's part: left out here.
                self.supply -= cut;
                self.market.slashed(cut);
            }
        }
    }

    fn let_stake_arrive(&mut self, number: u32) {
        for (holder, delegator) in self.delegators.iter_mut().enumerate() {
            if let Some((amount, due)) = delegator.moving
                && due <= number
                && self.transcoders[delegator.with].frozen_until.is_none()
            {
                self.transcoders[delegator.with]
                    .pool
                    .delegate(holder, amount);
                delegator.moving = None;
            }
        }
    }

    /// What can be minted for this round: inflation moves one step toward the target first.
    fn budget(&mut self) -> U256 {
        let params = &self.setting.params;
        let bonded = total(&self.transcoders) * U256::from(BPS);
        let target = self.supply * U256::from(params.target_bonding_bps);
        self.inflation_ppb = match bonded.cmp(&target) {
            std::cmp::Ordering::Less => self.inflation_ppb + params.inflation_step_ppb,
            std::cmp::Ordering::Equal => self.inflation_ppb,
            std::cmp::Ordering::Greater => {
                self.inflation_ppb.saturating_sub(params.inflation_step_ppb)
            }
        };
        self.supply * U256::from(self.inflation_ppb) / U256::from(1_000_000_000u64)
    }

    /// Mints and shares fees; base units minted to each transcoder.
    fn pay(
        &mut self,
        snapshot: &Snapshot,
        work: &BTreeMap<Address, Work>,
        list: &WorkList,
        mintable: U256,
    ) -> Vec<U256> {
        let mut rule = MintRule::new(&self.setting.params);
        rule.full_mint_pixels = self.segment_pixels * u64::from(self.setting.segments);
        let whole = snapshot.total();
        let burned = self.setting.params.burned_fee_bps;
        let mut minted = vec![U256::ZERO; self.transcoders.len()];
        for (index, transcoder) in self.transcoders.iter_mut().enumerate() {
            let weight = snapshot
                .get(transcoder.address)
                .map_or(U256::ZERO, |c| c.weight);
            let share = Share {
                weight,
                total: whole.max(U256::from(1)),
            };
            let mut claims = list.claims.iter();
            let claim = claims.find(|c| c.transcoder == transcoder.address);
            let of = claim.map_or(0, |c| c.pixels);
            let amount = rule.of_transcoder(mintable, of, list.total_pixels, share);
            let rewarded = transcoder.pool.reward(amount, transcoder.reward_cut_bps);
            minted[index] = amount;
            self.supply += amount;
            let fees = work.get(&transcoder.address).map_or(0, |w| w.fees);
            let after_burn = fees * u128::from(BPS - burned) / u128::from(BPS);
            let shared = after_burn * u128::from(transcoder.fee_share_bps) / u128::from(BPS);
            // Fees in LPT at 0.002 ETH: what a delegator compares.
            transcoder.paid_its_delegators(rewarded.shared + U256::from(shared) * U256::from(500));
        }
        minted
    }

    fn react(&mut self, number: u32, snapshot: &Snapshot, work: &BTreeMap<Address, Work>) {
        let whole = snapshot.total();
        let all: u64 = work.values().map(|w| w.segments).sum();
        for transcoder in &mut self.transcoders {
            let weight = snapshot
                .get(transcoder.address)
                .map_or(U256::ZERO, |c| c.weight);
            let did = work.get(&transcoder.address).map_or(0, |w| w.segments);
            if transcoder.frozen_until.is_none() {
                transcoder.ask(did * 1_000_000 / all.max(1), ppm(weight, whole));
            }
        }
        for holder in 0..self.delegators.len() {
            let delegator = self.delegators[holder];
            if let Some(to) = delegator.choice(&self.transcoders, &mut self.people) {
                let amount = self.transcoders[delegator.with].pool.leave(holder);
                let due = number + self.setting.params.unbonding_rounds as u32;
                self.delegators[holder] = Delegator {
                    with: to,
                    moving: Some((amount, due)),
                };
            }
        }
    }

    fn write_down(
        &mut self,
        number: u32,
        snapshot: &Snapshot,
        work: &BTreeMap<Address, Work>,
        minted: &[U256],
        mintable: U256,
    ) {
        let whole = snapshot.total();
        let segments: u64 = work.values().map(|w| w.segments).sum();
        let fees: u128 = work.values().map(|w| w.fees).sum();
        for (index, transcoder) in self.transcoders.iter().enumerate() {
            let weight = snapshot
                .get(transcoder.address)
                .map_or(U256::ZERO, |c| c.weight);
            let did = work.get(&transcoder.address).copied().unwrap_or_default();
            self.market.rows.push(Row {
                round: number,
                transcoder: index,
                stake: transcoder.pool.tokens(),
                stake_ppm: ppm(weight, whole),
                work_ppm: did.segments * 1_000_000 / segments.max(1),
                price_wei: transcoder.price,
                fees_wei: did.fees,
                minted: minted[index],
                frozen: transcoder.frozen_until.is_some(),
            });
        }
        let mint = minted.iter().fold(U256::ZERO, |sum, m| sum + *m);
        let pixels = u128::from(segments * self.segment_pixels);
        self.market.network.push(NetworkRow {
            round: number,
            price_wei: (fees / pixels.max(1)) as u64,
            segments,
            fees_wei: fees,
            minted_lpt: super::record::in_lpt(mint),
            mintable_lpt: super::record::in_lpt(mintable),
            inflation_ppb: self.inflation_ppb,
            bonding_ppm: ppm(total(&self.transcoders), self.supply),
        });
    }
}

fn total(transcoders: &[Transcoder]) -> U256 {
    transcoders
        .iter()
        .fold(U256::ZERO, |sum, t| sum + t.pool.tokens())
}
