//! Wash trading: a broadcaster that publishes to a transcoder of its own, to be minted for the work.
//!
//! The two are given every advantage that the rules leave them. They pay each other nothing, and their content costs
//! nothing to encode. The job's price cap shuts out the dearest third of the stake. They create many jobs, use the one whose
//! elections suit them best, end its run where that serves them, and give a receipt's worth of work to as few others as the
//! list's rules allow.

use std::collections::BTreeMap;

use assay_protocol::demand::{Credit, credit};
use assay_protocol::election::{Ballot, Candidate, Snapshot, elect};
use assay_protocol::mint::Share;
use assay_protocol::params::Params;
use assay_protocol::{Address, U256, keccak256};
use serde::Serialize;

use super::{credit_rule, mint_rule};

const BPS: u64 = 10_000;
/// Base units of LPT in one LPT, and wei in one ether.
const UNIT: u128 = 1_000_000_000_000_000_000;
/// Honest operators of the network.
const HONEST: u8 = 12;
/// Segments of honest demand in a round: a hundred streams for half a day would be twenty times as many.
const HONEST_SEGMENTS: u32 = 20_000;
/// Longest run that they try, in shortest ones: the longer it is, the closer to their stake are their elections.
const LONGEST: u32 = 2;
/// Sizes that the attackers try: from a thousandth of the full mint's pixels, each a quarter more than the one before.
const SIZES: u32 = 45;

/// What is the case in the world outside.
#[derive(Clone, Debug)]
pub struct World {
    /// The network's parameters.
    pub params: Params,
    /// LPT in existence.
    pub supply_lpt: u64,
    /// Worth of one LPT, wei.
    pub wei_per_lpt: u128,
    /// What those whom the attackers' cap admits ask for a pixel, wei.
    pub price: u64,
}

impl World {
    /// Mainnet's parameters with the prices that they were chosen for.
    pub fn mainnet() -> Self {
        Self {
            params: Params::mainnet(),
            supply_lpt: 30_000_000,
            wei_per_lpt: 2_000_000_000_000_000,
            price: 1_000,
        }
    }

    /// A round's inflation at its start, base units.
    fn budget(&self) -> U256 {
        U256::from(u128::from(self.supply_lpt) * UNIT) * U256::from(self.params.inflation_ppb)
            / U256::from(1_000_000_000u64)
    }
}

/// Which rule makes the list of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum List {
    /// All pixels count as they are: what the rules would be without `protocol::demand`.
    Bare,
    /// The protocol's rule.
    Credited,
}

/// One way to try it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Attack {
    /// The transcoder's part of the stake, basis points.
    pub stake_bps: u64,
    /// Identities that its stake is divided among.
    pub identities: u8,
    /// Stake that the job's cap shuts out, basis points: at most a third, or nothing is minted.
    pub shut_out_bps: u64,
    /// Jobs created, of which the best is used.
    pub jobs_tried: u32,
    /// Honest demand, basis points of the pixels at which the whole budget is paid.
    pub demand_bps: u64,
    /// Whether the transcoder does the honest work that falls to it as well. If not, it has no encoders at all.
    pub works: bool,
    /// The rule.
    pub list: List,
}

/// What came of it in one round, at the size that served the attackers best.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The attack.
    pub attack: Attack,
    /// Part of the job's segments to which their own transcoder was elected, basis points.
    pub elected_bps: u64,
    /// Pixels to themselves.
    pub own_pixels: u64,
    /// Pixels that had to go to others.
    pub others_pixels: u64,
    /// Minted to the attackers without the wash trade, base units.
    pub minted_before: u128,
    /// Minted to them with it, base units.
    pub minted_after: u128,
    /// What the others are paid for the attackers' segments, wei.
    pub paid_wei: u128,
    /// Worth of what they are minted more, less what they paid, wei.
    pub profit_wei: i128,
    /// What honest operators are minted less, base units; negative where they get more.
    pub honest_lose: i128,
}

impl Outcome {
    /// Minted more by the wash trade, base units.
    pub fn gained(&self) -> i128 {
        self.minted_after as i128 - self.minted_before as i128
    }

    /// How many times its present worth an LPT would have to have for the trade to pay, against the price of a pixel,
    /// in hundredths; none if nothing is gained at all, 0 if it costs nothing.
    pub fn breaks_even(&self, world: &World) -> Option<u128> {
        let gained = self.gained().max(0) as u128;
        let worth = gained * (world.wei_per_lpt / 1_000_000) / (UNIT / 1_000_000);
        // Less than a millionth of an ether is rounding.
        (worth > UNIT / 1_000_000).then(|| self.paid_wei.saturating_mul(100) / worth)
    }
}

/// The network that the attack meets.
struct Scene<'a> {
    world: &'a World,
    attack: Attack,
    snapshot: Snapshot,
    friends: Vec<Address>,
}

/// The run that serves the attackers best.
struct Run {
    /// Segments that each of the friends won.
    wins: BTreeMap<Address, u64>,
    /// Segments that each of the others must be given.
    others: BTreeMap<Address, u64>,
    /// Segments in all.
    length: u64,
}

/// Tries all sizes and says what came of the one with the largest profit.
pub fn best(world: &World, attack: Attack) -> Outcome {
    let mut tried = outcomes(world, attack);
    tried.sort_by_key(|o| o.profit_wei);
    // There is always one: `SIZES` is not 0.
    tried.swap_remove(tried.len() - 1)
}

/// What is worth telling of an attack: the best size if that pays, else the smallest that is minted nearly as much as
/// any (nineteen parts of twenty).
pub fn telling(world: &World, attack: Attack) -> Outcome {
    let best = best(world, attack);
    if best.profit_wei > 0 {
        return best;
    }
    let tried = outcomes(world, attack);
    let most = tried.iter().map(Outcome::gained).max().unwrap_or(0);
    let near = tried.into_iter().find(|o| o.gained() * 20 >= most * 19);
    near.unwrap_or(best)
}

/// Every size from the smallest to the largest.
fn outcomes(world: &World, attack: Attack) -> Vec<Outcome> {
    let scene = Scene::new(world, attack);
    let honest = scene.honest_work();
    let before = scene.minted(&honest);
    let run = scene.best_run();
    let size = |step| {
        let mut size = u128::from(world.params.full_mint_pixels) / 1_000;
        for _ in 0..step {
            size = size * 5 / 4;
        }
        scene.outcome(&honest, &before, &run, size as u64)
    };
    (0..SIZES).map(size).collect()
}

impl<'a> Scene<'a> {
    fn new(world: &'a World, attack: Attack) -> Self {
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
            round: 1,
            candidates,
        };
        Self {
            world,
            attack,
            snapshot,
            friends,
        }
    }

    /// What the others' demand gives to each: elections over the whole stake.
    fn honest_work(&self) -> BTreeMap<Address, u64> {
        let demand = u128::from(self.world.params.full_mint_pixels)
            * u128::from(self.attack.demand_bps)
            / u128::from(BPS);
        let pixels = (demand / u128::from(HONEST_SEGMENTS)) as u64;
        let mut work = BTreeMap::new();
        for winner in self.winners(0, u64::MAX, HONEST_SEGMENTS) {
            if self.attack.works || !self.friends.contains(&winner) {
                *work.entry(winner).or_insert(0) += pixels;
            }
        }
        work
    }

    fn winners(&self, job: u32, cap: u64, segments: u32) -> impl Iterator<Item = Address> + '_ {
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
    fn best_run(&self) -> Run {
        let best = (1..=self.attack.jobs_tried.max(1))
            .map(|job| self.luckiest_end(job))
            .max_by(|a, b| (a.0 * b.1.len()).cmp(&(b.0 * a.1.len())));
        let (own, best) = best.unwrap_or_default();
        let length = best.len() as u64;
        let due = (length * self.world.params.receipted_bps).div_ceil(BPS);
        let mut missing = due.saturating_sub(own as u64);
        // Without the rule on sizes the others get single frames, which count as segments and hardly as pixels.
        if self.attack.list == List::Bare {
            missing = 0;
        }
        let (mut wins, mut others) = (BTreeMap::new(), BTreeMap::new());
        for winner in best {
            if self.friends.contains(&winner) {
                *wins.entry(winner).or_insert(0) += 1;
            } else if missing > 0 {
                missing -= 1;
                *others.entry(winner).or_insert(0) += 1;
            }
        }
        Run {
            wins,
            others,
            length,
        }
    }

    /// A job's run, which must begin with its first segment but may end anywhere from the shortest length on: how many
    /// segments of it fall to the friends, and the winners of all.
    fn luckiest_end(&self, job: u32) -> (usize, Vec<Address>) {
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

    fn outcome(
        &self,
        honest: &BTreeMap<Address, u64>,
        before: &BTreeMap<Address, u128>,
        run: &Run,
        size: u64,
    ) -> Outcome {
        let won: u64 = run.wins.values().sum();
        let segment = size / won.max(1);
        let mut work = honest.clone();
        for (operator, segments) in run.wins.iter().chain(&run.others) {
            *work.entry(*operator).or_insert(0) += segment * segments;
        }
        let others_pixels = segment * run.others.values().sum::<u64>();
        let after = self.minted(&work);
        let of_friends = |minted: &BTreeMap<Address, u128>| -> u128 {
            self.friends.iter().filter_map(|f| minted.get(f)).sum()
        };
        let of_all = |minted: &BTreeMap<Address, u128>| minted.values().sum::<u128>();
        let (minted_before, minted_after) = (of_friends(before), of_friends(&after));
        let paid_wei = u128::from(others_pixels) * u128::from(self.world.price);
        let gained = minted_after as i128 - minted_before as i128;
        let worth =
            gained / 1_000_000 * (self.world.wei_per_lpt as i128) / (UNIT as i128 / 1_000_000);
        Outcome {
            attack: self.attack,
            elected_bps: won * BPS / run.length.max(1),
            own_pixels: segment * won,
            others_pixels,
            minted_before,
            minted_after,
            paid_wei,
            profit_wei: worth - paid_wei as i128,
            honest_lose: (of_all(before) - minted_before) as i128
                - (of_all(&after) - minted_after) as i128,
        }
    }

    /// What each operator is minted for this work.
    fn minted(&self, work: &BTreeMap<Address, u64>) -> BTreeMap<Address, u128> {
        let work: Vec<_> = work.iter().map(|(o, p)| (*o, *p)).collect();
        let list = match self.attack.list {
            List::Credited => credit(&self.snapshot, &work, credit_rule(&self.world.params)),
            List::Bare => Credit {
                total: work.iter().map(|w| w.1).sum(),
                pixels: work,
            },
        };
        let rule = mint_rule(&self.world.params);
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

/// The attacks whose outcome `docs/economics.md` tells: 10 % and 33 % of the stake, at little, matching and high honest
/// demand, by an operator that works and by one that has no encoders, under both rules.
pub fn table(jobs_tried: u32) -> Vec<Attack> {
    let mut attacks = Vec::new();
    for list in [List::Bare, List::Credited] {
        for works in [true, false] {
            for stake_bps in [1_000, 3_300] {
                for demand_bps in [500, 10_000, 40_000] {
                    attacks.push(Attack {
                        stake_bps,
                        identities: 1,
                        shut_out_bps: 3_333,
                        jobs_tried,
                        demand_bps,
                        works,
                        list,
                    });
                }
            }
        }
    }
    attacks
}

#[cfg(test)]
mod tests;
