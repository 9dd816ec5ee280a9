//! What a market leaves behind: rows, a summary, charts.

use std::fmt::Write;

use assay_protocol::U256;
use serde::Serialize;

use crate::chart::{Chart, Line};

/// Rounds that one point of a chart averages.
const POINT: u32 = 10;
/// Rounds before and after a case that the summary compares.
const AROUND: u32 = 100;

/// One transcoder in one round.
#[derive(Clone, Debug)]
pub struct Row {
    /// The round.
    pub round: u32,
    /// Its number.
    pub transcoder: usize,
    /// All stake of its pool, base units.
    pub stake: U256,
    /// Its part of the snapshot's weight, millionths.
    pub stake_ppm: u64,
    /// Its part of the segments, millionths.
    pub work_ppm: u64,
    /// What it asks for a pixel, wei.
    pub price_wei: u64,
    /// Fees of the round before the burned cut, wei.
    pub fees_wei: u128,
    /// Minted to its pool, base units.
    pub minted: U256,
    /// Whether a case was open at the end of the round.
    pub frozen: bool,
}

/// The whole network in one round.
#[derive(Clone, Debug)]
pub struct NetworkRow {
    /// The round.
    pub round: u32,
    /// What a pixel cost on average, wei.
    pub price_wei: u64,
    /// Segments delivered.
    pub segments: u64,
    /// Fees, wei.
    pub fees_wei: u128,
    /// Minted to transcoders, LPT.
    pub minted_lpt: f64,
    /// The round's whole budget, LPT.
    pub mintable_lpt: f64,
    /// Inflation, 10^-9 of the supply.
    pub inflation_ppb: u64,
    /// Bonded part of the supply, millionths.
    pub bonding_ppm: u64,
}

/// A finished market.
#[derive(Clone, Debug)]
pub struct Market {
    /// Each transcoder in each round, in order.
    pub rows: Vec<Row>,
    /// The network in each round.
    pub network: Vec<NetworkRow>,
    transcoders: usize,
    cheat: usize,
    caught: Vec<u32>,
    slashed: U256,
}

/// A market in a few figures.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Rounds.
    pub rounds: u32,
    /// Mean price of a pixel over the first rounds, wei.
    pub price_first_wei: u64,
    /// Mean price of a pixel over the last rounds, wei.
    pub price_last_wei: u64,
    /// Segments a round at first and at last.
    pub segments_first: u64,
    /// See `segments_first`.
    pub segments_last: u64,
    /// Fees of all rounds, ETH.
    pub fees_eth: f64,
    /// Minted in all rounds, LPT.
    pub minted_lpt: f64,
    /// Rounds in which nothing was minted to anybody.
    pub rounds_without_mint: usize,
    /// The last of them.
    pub last_without_mint: Option<u32>,
    /// Mean distance of work share from stake share, millionths, over all rounds and transcoders.
    pub work_off_stake_ppm: u64,
    /// Times that the cheat was caught.
    pub cases: usize,
    /// Round in which it was caught.
    pub cheat_caught_round: Option<u32>,
    /// What it and its delegators lost, LPT.
    pub cheat_slashed_lpt: f64,
    /// Its mean part of the work in the rounds before it was caught, millionths.
    pub cheat_work_before_ppm: u64,
    /// Its mean part of the work in the last rounds, millionths.
    pub cheat_work_after_ppm: u64,
    /// Its mean part of the stake before and in the last rounds, millionths.
    pub cheat_stake_before_ppm: u64,
    /// See `cheat_stake_before_ppm`.
    pub cheat_stake_after_ppm: u64,
}

impl Market {
    /// Nothing recorded yet.
    pub(super) fn new(transcoders: usize, cheat: usize) -> Self {
        Self {
            rows: Vec::new(),
            network: Vec::new(),
            transcoders,
            cheat,
            caught: Vec::new(),
            slashed: U256::ZERO,
        }
    }

    /// The cheat was caught.
    pub(super) fn caught(&mut self, round: u32) {
        self.caught.push(round);
    }

    /// A slash was executed.
    pub(super) fn slashed(&mut self, cut: U256) {
        self.slashed += cut;
    }

    /// One line for each transcoder and round.
    pub fn csv(&self) -> String {
        let mut csv = String::from(
            "round,transcoder,cheat,stake_lpt,stake_share_ppm,work_share_ppm,price_wei,fees_eth,minted_lpt,frozen\n",
        );
        for r in &self.rows {
            // Writing to a string does not fail.
            let _ = writeln!(
                csv,
                "{},{},{},{:.3},{},{},{},{:.9},{:.6},{}",
                r.round,
                r.transcoder,
                u8::from(r.transcoder == self.cheat),
                in_lpt(r.stake),
                r.stake_ppm,
                r.work_ppm,
                r.price_wei,
                in_eth(r.fees_wei),
                in_lpt(r.minted),
                u8::from(r.frozen)
            );
        }
        csv
    }

    /// One line for each round.
    pub fn network_csv(&self) -> String {
        let mut csv = String::from(
            "round,price_wei,segments,fees_eth,minted_lpt,mintable_lpt,inflation_ppb,bonding_ppm\n",
        );
        for n in &self.network {
            let _ = writeln!(
                csv,
                "{},{},{},{:.9},{:.6},{:.6},{},{}",
                n.round,
                n.price_wei,
                n.segments,
                in_eth(n.fees_wei),
                n.minted_lpt,
                n.mintable_lpt,
                n.inflation_ppb,
                n.bonding_ppm
            );
        }
        csv
    }

    /// File names and contents of all charts.
    pub fn charts(&self) -> Vec<(&'static str, String)> {
        let percent = |v: u64| v as f64 / 10_000.0;
        vec![
            (
                "stake-share.svg",
                self.chart("Share of the stake, %", |r| percent(r.stake_ppm)),
            ),
            (
                "work-share.svg",
                self.chart("Share of the work, %", |r| percent(r.work_ppm)),
            ),
            (
                "price.svg",
                self.chart("Price of a pixel, wei", |r| r.price_wei as f64),
            ),
            (
                "income.svg",
                self.chart("Income of a round, LPT (fees at 0.002 ETH)", income),
            ),
            ("cheat.svg", self.cheat_chart()),
        ]
    }

    /// The market in a few figures.
    pub fn summary(&self) -> Summary {
        let rounds = self.network.len() as u32;
        let window = AROUND.min(rounds / 4).max(1);
        let first =
            |f: fn(&NetworkRow) -> u64| mean(self.network.iter().take(window as usize).map(f));
        let last = |f: fn(&NetworkRow) -> u64| {
            mean(self.network.iter().rev().take(window as usize).map(f))
        };
        let unminted = |n: &&NetworkRow| n.minted_lpt == 0.0;
        let caught = self.caught.first().copied();
        let from = caught.unwrap_or(rounds);
        let cheat = |f: fn(&Row) -> u64, low: u32, high: u32| {
            let rows = self.rows.iter().filter(|r| r.transcoder == self.cheat);
            mean(rows.filter(|r| r.round > low && r.round <= high).map(f))
        };
        let before = (from.saturating_sub(window + 1), from.saturating_sub(1));
        let after = (rounds - window, rounds);
        Summary {
            rounds,
            price_first_wei: first(|n| n.price_wei),
            price_last_wei: last(|n| n.price_wei),
            segments_first: first(|n| n.segments),
            segments_last: last(|n| n.segments),
            fees_eth: self.network.iter().map(|n| in_eth(n.fees_wei)).sum(),
            minted_lpt: self.network.iter().map(|n| n.minted_lpt).sum(),
            rounds_without_mint: self.network.iter().filter(unminted).count(),
            last_without_mint: self.network.iter().rev().find(unminted).map(|n| n.round),
            work_off_stake_ppm: mean(self.rows.iter().map(|r| r.work_ppm.abs_diff(r.stake_ppm))),
            cases: self.caught.len(),
            cheat_caught_round: caught,
            cheat_slashed_lpt: in_lpt(self.slashed),
            cheat_work_before_ppm: cheat(|r| r.work_ppm, before.0, before.1),
            cheat_work_after_ppm: cheat(|r| r.work_ppm, after.0, after.1),
            cheat_stake_before_ppm: cheat(|r| r.stake_ppm, before.0, before.1),
            cheat_stake_after_ppm: cheat(|r| r.stake_ppm, after.0, after.1),
        }
    }

    fn line(&self, transcoder: usize, value: impl Fn(&Row) -> f64) -> Vec<(f64, f64)> {
        let own: Vec<_> = self
            .rows
            .iter()
            .filter(|r| r.transcoder == transcoder)
            .map(value)
            .collect();
        let rounds = (0u32..).step_by(POINT as usize).map(f64::from);
        let means = own
            .chunks(POINT as usize)
            .map(|c| c.iter().sum::<f64>() / c.len() as f64);
        rounds.zip(means).collect()
    }

    fn chart(&self, title: &str, value: impl Fn(&Row) -> f64) -> String {
        let line = |transcoder| Line {
            name: self.name(transcoder),
            points: self.line(transcoder, &value),
            marked: transcoder == self.cheat,
            labels: Vec::new(),
        };
        let lines = (0..self.transcoders).map(line).collect();
        Chart {
            title,
            x: "round",
            lines,
        }
        .svg()
    }

    fn cheat_chart(&self) -> String {
        let percent = |v: u64| v as f64 / 10_000.0;
        let lines = vec![
            Line {
                name: "share of work".into(),
                points: self.line(self.cheat, |r| percent(r.work_ppm)),
                marked: true,
                labels: Vec::new(),
            },
            Line {
                name: "share of stake".into(),
                points: self.line(self.cheat, |r| percent(r.stake_ppm)),
                marked: false,
                labels: Vec::new(),
            },
        ];
        let when = self
            .caught
            .first()
            .map(|round| format!(", caught in round {round}"));
        let title = format!("The cheat, %{}", when.unwrap_or_default());
        Chart {
            title: &title,
            x: "round",
            lines,
        }
        .svg()
    }

    fn name(&self, transcoder: usize) -> String {
        if transcoder == self.cheat {
            "the cheat".into()
        } else {
            format!("transcoder {transcoder}")
        }
    }
}

fn mean(values: impl Iterator<Item = u64>) -> u64 {
    let (sum, count) = values.fold((0, 0), |(sum, count), v| (sum + v, count + 1));
    sum / count.max(1)
}

fn income(row: &Row) -> f64 {
    in_lpt(row.minted) + in_eth(row.fees_wei) / 0.002
}

/// Base units as LPT, for reading only.
pub(super) fn in_lpt(amount: U256) -> f64 {
    // To a millionth: enough for a chart, exact below 2^53.
    let micro: u64 = (amount / U256::from(1_000_000_000_000u64)).saturating_to();
    micro as f64 / 1e6
}

fn in_eth(wei: u128) -> f64 {
    (wei / 1_000_000_000) as f64 / 1e9
}
