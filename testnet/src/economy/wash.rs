//! Wash trading: a broadcaster that publishes to a transcoder of its own, to be minted for the work.
//!
//! The two are given every advantage that the rules leave them. They pay each other nothing, and their content costs
//! nothing to encode. The job's price cap shuts out the dearest third of the stake. They create many jobs, use the one whose
//! elections suit them best, end its run where that serves them, and give a receipt's worth of work to as few others as the
//! list's rules allow. Their run and those of the honest go through `protocol::round_work`: who leaves the work of others
//! undone has runs of theirs that do not count.

mod scene;

use assay_protocol::U256;
use assay_protocol::params::Params;
use serde::Serialize;

use scene::Scene;

const BPS: u64 = 10_000;
/// Base units of LPT in one LPT, and wei in one ether.
const UNIT: u128 = 1_000_000_000_000_000_000;
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

/// How much of the honest work that it is elected to the transcoder does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Works {
    /// All.
    All,
    /// In each run as much as it takes for that to count, at most all: it is minted for that and has few encoders.
    Needed,
    /// None: it has no encoders at all.
    None,
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
    /// Whether the transcoder does the honest work that falls to it as well.
    pub works: Works,
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
    /// Honest runs that counted, basis points of all.
    pub honest_runs_bps: u64,
    /// What honest operators are minted less, base units; negative where they get more.
    pub honest_lose: i128,
}

impl Outcome {
    /// Minted more by the wash trade, base units.
    pub fn gained(&self) -> i128 {
        self.minted_after as i128 - self.minted_before as i128
    }

    /// Whether it pays. Less than a millionth of an ether is rounding.
    pub fn pays(&self) -> bool {
        self.profit_wei > UNIT as i128 / 1_000_000
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

/// Tries all sizes and says what came of the one with the largest profit.
pub fn best(world: &World, attack: Attack) -> Outcome {
    most_profitable(outcomes(world, attack))
}

/// What is worth telling of an attack: the best size if that pays, else the smallest that is minted nearly as much as
/// any (nineteen parts of twenty).
pub fn telling(world: &World, attack: Attack) -> Outcome {
    let mut tried = outcomes(world, attack);
    let most = tried.iter().map(Outcome::gained).max().unwrap_or(0);
    let near = tried.iter().position(|o| o.gained() * 20 >= most * 19);
    let near = near.map(|at| tried[at].clone());
    tried.retain(Outcome::pays);
    match near {
        Some(near) if tried.is_empty() => near,
        _ => most_profitable(tried),
    }
}

/// How many times its present worth an LPT must have at least, in hundredths, before any size pays; none where nothing is
/// gained at any.
pub fn tightest(world: &World, attack: Attack) -> Option<u128> {
    let tried = outcomes(world, attack);
    tried.iter().filter_map(|o| o.breaks_even(world)).min()
}

fn most_profitable(mut tried: Vec<Outcome>) -> Outcome {
    tried.sort_by_key(|o| o.profit_wei);
    // There is always one: `SIZES` is not 0.
    tried.swap_remove(tried.len() - 1)
}

/// Every size from the smallest to the largest.
fn outcomes(world: &World, attack: Attack) -> Vec<Outcome> {
    let scene = Scene::new(world, attack);
    let honest = scene.honest_work();
    let run = scene.best_run();
    let size = |step| {
        let mut size = u128::from(world.params.full_mint_pixels) / 1_000;
        for _ in 0..step {
            size = size * 5 / 4;
        }
        scene.outcome(&honest, &run, size as u64)
    };
    (0..SIZES).map(size).collect()
}

/// The attacks whose outcome `docs/economics.md` tells: 10 % and 33 % of the stake, at little, matching and high honest
/// demand, by an operator that works, by one that has no encoders, and under the protocol's rule by a large one that does
/// as much as the others' runs need (a small one's idleness they bear), under both rules.
pub fn table(jobs_tried: u32) -> Vec<Attack> {
    let mut attacks = Vec::new();
    for list in [List::Bare, List::Credited] {
        for works in [Works::All, Works::Needed, Works::None] {
            for stake_bps in [1_000, 3_300] {
                if works == Works::Needed && (list == List::Bare || stake_bps == 1_000) {
                    continue;
                }
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
