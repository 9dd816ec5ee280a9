//! Transcoders compete on price, delegators look for yield, one transcoder cheats.
//!
//! Every round is the protocol's own: a snapshot of weights and prices, `protocol::election` for every segment with
//! attempts and exclusions, `protocol::round_work` for which runs count, `protocol::mint` for what the work is minted,
//! pools by shares, slashes of the whole pool. What is modelled is how people act on it:
//!
//! * A broadcaster sets its cap a little above the lowest price that admits two thirds of the stake: a lower one earns
//!   nobody inflation, so nobody takes the job gladly. It buys more the cheaper it gets, for the same money.
//! * A transcoder that gets less work than its stake would give it asks less, down to its cost; one that gets more
//!   asks more.
//! * A delegator compares its operator's yield with others' now and then, and leaves for one that is clearly better.
//!   What a slash took counts as yield lost over the rounds after it.
//! * One transcoder encodes some chunks wrong for a while. Verifiers draw as many leaves as the network's parameters
//!   say. Who is caught once does not try again. In a setting with [`Setting::silent`] it answers nothing instead, from
//!   then on.

mod actors;
mod jobs;
mod record;
mod round;

pub use record::{Market, NetworkRow, Row, Summary};

use assay_protocol::params::Params;

/// How the market is set up.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The network's parameters; all but `full_mint_pixels`, which is scaled to this network's supply.
    pub params: Params,
    /// Rounds to run.
    pub rounds: u32,
    /// Decides everything.
    pub seed: u64,
    /// Transcoders.
    pub transcoders: usize,
    /// Delegators.
    pub delegators: usize,
    /// Broadcasters, each with one job a round.
    pub broadcasters: u32,
    /// Elections of a round when a pixel costs `REFERENCE_PRICE`: the demand at which the whole budget is paid. A job that
    /// comes to less than the network's shortest run is not minted.
    pub segments: u32,
    /// The cheat begins after this part of the rounds, in hundredths.
    pub cheat_from: u32,
    /// Wrong leaves of the cheat, millionths.
    pub cheat_ppm: u64,
    /// Whether the cheat falls silent instead: it answers nothing that it is elected to.
    pub silent: bool,
}

impl Setting {
    /// Mainnet's rules with a network of moderate size.
    pub fn new(rounds: u32, seed: u64) -> Self {
        Self {
            params: Params::mainnet(),
            rounds,
            seed,
            transcoders: 12,
            delegators: 240,
            broadcasters: 6,
            // 400 for each broadcaster: at up to half more than the reference price every job is a run of mainnet's.
            segments: 2_400,
            cheat_from: 40,
            cheat_ppm: 5_000,
            silent: false,
        }
    }
}

/// Price of a pixel, wei, at which the setting's demand is stated: the example of Livepeer's documentation.
pub const REFERENCE_PRICE: u64 = 1_000;

/// Runs a market from its first round to its last.
pub fn run(setting: &Setting) -> Market {
    let mut network = round::Network::new(setting);
    for number in 1..=setting.rounds {
        network.round(number);
    }
    network.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn market(seed: u64) -> Market {
        run(&Setting {
            broadcasters: 2,
            segments: 800,
            cheat_ppm: 500_000,
            ..Setting::new(160, seed)
        })
    }

    #[test]
    fn the_same_seed_gives_the_same_market() {
        let (a, b) = (market(5), market(5));
        assert_eq!(a.csv(), b.csv());
        assert_ne!(a.csv(), market(6).csv());
    }

    #[test]
    fn competition_lowers_the_price_and_the_cheat_loses_its_work() {
        for seed in [1, 2, 3] {
            let summary = market(seed).summary();
            assert!(
                summary.price_last_wei < summary.price_first_wei * 9 / 10,
                "{summary:?}"
            );
            assert_eq!(summary.cases, 1, "{summary:?}");
            assert!(summary.cheat_slashed_lpt > 0.0);
            assert!(
                summary.cheat_work_after_ppm < summary.cheat_work_before_ppm,
                "{summary:?}"
            );
        }
    }

    /// A thousand rounds of seed 1, drawn in docs/economics: `assay economy market --out docs/economics` draws them anew.
    #[test]
    fn the_committed_charts_are_what_the_rules_give() {
        let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/economics");
        let charts = run(&Setting::new(1_000, 1)).charts();
        assert_eq!(charts.len(), 5);
        for (name, drawn) in charts {
            let committed = std::fs::read_to_string(format!("{docs}/{name}")).unwrap();
            assert!(committed == drawn, "{name} is another");
        }
    }

    #[test]
    fn nothing_is_minted_twice_or_lost() {
        let market = market(4);
        let summary = market.summary();
        let minted: f64 = market.network.iter().map(|n| n.minted_lpt).sum();
        assert!((summary.minted_lpt - minted).abs() < 1e-6);
        assert!(
            market
                .network
                .iter()
                .all(|n| n.minted_lpt <= n.mintable_lpt)
        );
    }
    /// The rule that the model goes through: more than a fifth of a run idle, and nothing is minted to anybody.
    #[test]
    fn a_silent_transcoder_stops_the_mint_while_it_has_the_stake_for_it() {
        let market = run(&Setting {
            transcoders: 4,
            // Few and dear: they ask up to twice the reference price, at which jobs are half as long.
            broadcasters: 2,
            segments: 1_600,
            cheat_from: 0,
            silent: true,
            ..Setting::new(300, 1)
        });
        let (mut stopped, mut paid) = (0, 0);
        for (rows, round) in market.rows.chunks(4).zip(&market.network) {
            assert!(round.segments > 0, "others deliver in its place");
            let mut prices: Vec<_> = rows.iter().map(|r| (r.price_wei, r.stake_ppm)).collect();
            prices.sort_unstable();
            let mut admitted = 0;
            let lowest = prices.into_iter().find(|(_, stake)| {
                admitted += stake;
                admitted * 3 >= 2_000_000
            });
            let silent = &rows[0];
            assert_eq!(silent.work_ppm, 0);
            let elected = lowest.is_some_and(|(price, _)| silent.price_wei <= price);
            if elected && silent.stake_ppm > 300_000 {
                assert_eq!(round.minted_lpt, 0.0, "{round:?}");
                stopped += 1;
            } else if silent.stake_ppm < 100_000 {
                assert!(round.minted_lpt > 0.0, "{round:?}");
                paid += 1;
            }
        }
        assert!(stopped > 20 && paid > 20, "{stopped} {paid}");
        assert!(market.summary().rounds_without_mint >= stopped);
    }
}
