//! The network that the attack meets, and the run that serves it best.

use std::collections::BTreeMap;

use assay_protocol::demand::{Credit, credit};
use assay_protocol::election::{Ballot, Candidate, Snapshot, elect};
use assay_protocol::mint::{MintRule, Share};
use assay_protocol::round_work::{Sheet, WorkRule, counted, sheet};
use assay_protocol::{Address, U256, keccak256};

use super::{Attack, BPS, List, Outcome, UNIT, Works, World};
use crate::economy::seen;

const ROUND: u64 = 1;
/// Honest operators of the network.
const HONEST: u8 = 12;
/// Segments of honest demand in a round, in the shortest runs that count: a hundred streams for half a day would be twenty
/// times as many.
const HONEST_SEGMENTS: u32 = 20_000;
/// Longest run that they try, in shortest ones: the longer it is, the closer to their stake are their elections.
const LONGEST: u32 = 2;

/// The network that the attack meets.
pub(super) struct Scene<'a> {
    world: &'a World,
    attack: Attack,
    pub(super) rule: WorkRule,
    pub(super) snapshot: Snapshot,
    pub(super) friends: Vec<Address>,
}

/// What honest broadcasters' jobs gave.
pub(super) struct Honest {
    /// Pixels of each operator that count.
    work: BTreeMap<Address, u64>,
    /// Runs that count, basis points.
    runs_bps: u64,
    /// What each is minted for it.
    minted: BTreeMap<Address, u128>,
}

/// The run that serves the attackers best, each of its segments with one pixel.
pub(super) struct Run {
    pub(super) sheet: Sheet,
    /// Segments that the friends won.
    own: u64,
}

impl<'a> Scene<'a> {
    pub(super) fn new(world: &'a World, attack: Attack) -> Self {
        let whole = U256::from(1_000_000u64) * U256::from(UNIT);
        let own = whole * U256::from(attack.stake_bps) / U256::from(BPS);
        let shut_out = whole * U256::from(attack.shut_out_bps) / U256::from(BPS);
        let identities = attack.identities.max(1);
        let friends: Vec<_> = (1..=identities).map(Address::with_last_byte).collect();
        let each = own / U256::from(identities);
        let mut candidates: Vec<_> = friends
            .iter()
            .map(|f| candidate(*f, each, world.price))
            .collect();
        // The dear ones are one pool, the rest is equal: nothing here depends on how honest stake is divided.
        let cheap = (whole - own - shut_out) / U256::from(HONEST);
        let honest = (1..=HONEST).map(|i| Address::with_last_byte(100 + i));
        candidates.extend(honest.map(|h| candidate(h, cheap, world.price)));
        if !shut_out.is_zero() {
            candidates.push(candidate(
                Address::with_last_byte(200),
                shut_out,
                world.price + 1,
            ));
        }
        let snapshot = Snapshot {
            round: ROUND,
            candidates,
        };
        Self {
            world,
            attack,
            rule: WorkRule::new(&world.params),
            snapshot,
            friends,
        }
    }

    /// What the others' demand gives to each.
    pub(super) fn honest_work(&self) -> Honest {
        let sheets = self.honest_runs();
        let counts = |run: &&Sheet| !counted([*run].into_iter(), &self.rule).is_empty();
        let runs = sheets.iter().filter(counts).count() as u64;
        let work = self.worked(sheets.iter());
        Honest {
            runs_bps: runs * BPS / (sheets.len() as u64).max(1),
            minted: self.minted(&work),
            work,
        }
    }

    /// Honest jobs: elections over the whole stake, in runs of the shortest length that counts.
    pub(super) fn honest_runs(&self) -> Vec<Sheet> {
        let demand = u128::from(self.world.params.full_mint_pixels)
            * u128::from(self.attack.demand_bps)
            / u128::from(BPS);
        let jobs = HONEST_SEGMENTS.div_ceil(self.rule.min_segments);
        let pixels = (demand / u128::from(jobs * self.rule.min_segments)) as u64;
        // Numbered from the other end than the attackers' jobs.
        (0..jobs)
            .filter_map(|job| self.honest_run(u32::MAX - job, pixels))
            .collect()
    }

    fn honest_run(&self, job: u32, pixels: u64) -> Option<Sheet> {
        let winners: Vec<_> = self
            .winners(job, u64::MAX, self.rule.min_segments)
            .collect();
        let own = |winner: &Address| self.friends.contains(winner);
        let others = winners.iter().filter(|w| !own(w)).count() as u64;
        let mut does = match self.attack.works {
            Works::All => u64::MAX,
            Works::Needed => self.due(winners.len() as u64).saturating_sub(others),
            Works::None => 0,
        };
        let run = winners.into_iter().map(|winner| {
            let delivers = !own(&winner) || does > 0;
            does = does.saturating_sub(u64::from(own(&winner)));
            (winner, delivers)
        });
        self.sheet(job, run, pixels)
    }

    /// Segments of a run that must have a receipt.
    fn due(&self, length: u64) -> u64 {
        (length * self.rule.min_receipted_bps).div_ceil(BPS)
    }

    /// What verifiers make of a run of electees, each with whether it delivers.
    fn sheet(
        &self,
        job: u32,
        run: impl Iterator<Item = (Address, bool)>,
        pixels: u64,
    ) -> Option<Sheet> {
        let one = |(seq, (who, delivers))| seen(ROUND, U256::from(job), seq, who, pixels, delivers);
        let segments: Vec<_> = (0u32..).zip(run).map(one).collect();
        sheet(segments.iter(), ROUND, Some(0), &self.rule)
    }

    /// Pixels of each operator that count in these runs.
    pub(super) fn worked<'s>(
        &self,
        sheets: impl Iterator<Item = &'s Sheet>,
    ) -> BTreeMap<Address, u64> {
        match self.attack.list {
            List::Credited => {
                let counted = counted(sheets, &self.rule).into_iter();
                counted.map(|(who, work)| (who, work.pixels)).collect()
            }
            List::Bare => {
                let mut work = BTreeMap::new();
                for entry in sheets.flat_map(|s| s.entries.values()) {
                    *work.entry(entry.transcoder).or_insert(0) += entry.pixels;
                }
                work
            }
        }
    }

    pub(super) fn winners(
        &self,
        job: u32,
        cap: u64,
        segments: u32,
    ) -> impl Iterator<Item = Address> + '_ {
        let job_id = U256::from(job);
        let seed = keccak256(job_id.to_be_bytes::<32>());
        (0..segments).filter_map(move |seq| {
            let ballot = Ballot {
                seed,
                job_id,
                seq,
                max_price: U256::from(cap),
            };
            elect(&ballot, &self.snapshot, 0).map(|c| c.operator)
        })
    }

    /// Of all jobs tried, and of all places to end their runs, the run with the largest part for the friends.
    pub(super) fn best_run(&self) -> Run {
        let best = (1..=self.attack.jobs_tried.max(1))
            .map(|job| self.luckiest_end(job))
            .max_by(|a, b| (a.0 * b.1.len()).cmp(&(b.0 * a.1.len())));
        let (own, best) = best.unwrap_or_default();
        self.run(own as u64, best)
    }

    /// A run in which as few others as the rule allows are given work.
    pub(super) fn run(&self, own: u64, winners: Vec<Address>) -> Run {
        let mut missing = self.due(winners.len() as u64).saturating_sub(own);
        // Without the rule on sizes the others get single frames, which count as segments and hardly as pixels.
        if self.attack.list == List::Bare {
            missing = 0;
        }
        let run = winners.into_iter().map(|winner| {
            let friend = self.friends.contains(&winner);
            let delivers = friend || missing > 0;
            missing = missing.saturating_sub(u64::from(!friend));
            (winner, delivers)
        });
        let sheet = self.sheet(0, run, 1).unwrap_or_default();
        Run { sheet, own }
    }

    /// A job's run, which must begin with its first segment but may end anywhere from the shortest length on: how many
    /// segments of it fall to the friends, and the winners of all.
    pub(super) fn luckiest_end(&self, job: u32) -> (usize, Vec<Address>) {
        let shortest = self.world.params.job_segments as usize;
        let longest = LONGEST * shortest as u32;
        let mut run: Vec<_> = self.winners(job, self.world.price, longest).collect();
        let (mut own, mut best) = (0, (0, shortest));
        for (at, winner) in run.iter().enumerate() {
            own += usize::from(self.friends.contains(winner));
            let length = at + 1;
            if length >= shortest && own * best.1 > best.0 * length {
                best = (own, length);
            }
        }
        run.truncate(best.1);
        (best.0, run)
    }

    pub(super) fn outcome(&self, honest: &Honest, run: &Run, size: u64) -> Outcome {
        let segment = size / run.own.max(1);
        let mut sheet = run.sheet.clone();
        for entry in sheet.entries.values_mut() {
            entry.pixels = segment;
        }
        let mut work = honest.work.clone();
        for (operator, pixels) in self.worked([&sheet].into_iter()) {
            *work.entry(operator).or_insert(0) += pixels;
        }
        let others_pixels = segment * (sheet.entries.len() as u64 - run.own);
        let (before, after) = (&honest.minted, &self.minted(&work));
        let of_friends = |minted: &BTreeMap<Address, u128>| -> u128 {
            self.friends.iter().filter_map(|f| minted.get(f)).sum()
        };
        let of_all = |minted: &BTreeMap<Address, u128>| minted.values().sum::<u128>();
        let (minted_before, minted_after) = (of_friends(before), of_friends(after));
        let paid_wei = u128::from(others_pixels) * u128::from(self.world.price);
        let gained = minted_after as i128 - minted_before as i128;
        let worth =
            gained / 1_000_000 * (self.world.wei_per_lpt as i128) / (UNIT as i128 / 1_000_000);
        Outcome {
            attack: self.attack,
            elected_bps: run.own * BPS / u64::from(sheet.end.max(1)),
            own_pixels: segment * run.own,
            others_pixels,
            minted_before,
            minted_after,
            paid_wei,
            profit_wei: worth - paid_wei as i128,
            honest_runs_bps: honest.runs_bps,
            honest_lose: (of_all(before) - minted_before) as i128
                - (of_all(after) - minted_after) as i128,
        }
    }

    /// What each operator is minted for this work.
    fn minted(&self, work: &BTreeMap<Address, u64>) -> BTreeMap<Address, u128> {
        let work: Vec<_> = work.iter().map(|(o, p)| (*o, *p)).collect();
        let list = match self.attack.list {
            List::Credited => credit(&self.snapshot, &work, self.rule.credit),
            List::Bare => Credit {
                total: work.iter().map(|w| w.1).sum(),
                pixels: work,
            },
        };
        let rule = MintRule::new(&self.world.params);
        let total = self.snapshot.total();
        let paid = |(operator, pixels): &(Address, u64)| {
            let weight = self.snapshot.get(*operator)?.weight;
            let share = Share { weight, total };
            let amount = rule.of_transcoder(self.world.budget(), *pixels, list.total, share);
            Some((*operator, amount.saturating_to()))
        };
        list.pixels.iter().filter_map(paid).collect()
    }
}

fn candidate(operator: Address, weight: U256, price: u64) -> Candidate {
    Candidate {
        operator,
        weight,
        price: U256::from(price),
    }
}
