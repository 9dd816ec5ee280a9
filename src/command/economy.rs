//! `assay economy`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assay_protocol::params::Params;
use assay_testnet::economy::idle::{self, SHARES};
use assay_testnet::economy::market::{self, Market, Setting, Summary};
use assay_testnet::economy::wash::{self, List, Outcome, Works, World};

use super::{USAGE, fail, say};

/// The economy without video, on the protocol's own rules.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Transcoders compete on price over many rounds; delegators look for yield; one cheat is slashed. Writes CSV and charts.
    Market {
        /// Rounds.
        #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(8..=100_000))]
        rounds: u32,
        /// Decides everything: the same seed, the same files.
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
        /// The cheat answers nothing instead: what a silent operator does to the mint.
        #[arg(long)]
        silent: bool,
        /// Folder for transcoders.csv, network.csv and the charts.
        #[arg(long, value_name = "DIR", default_value = "assay-economy")]
        out: PathBuf,
        /// Prints the summary as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Which runs count, and what is minted, when a part of the stake answers nothing.
    Idle {
        /// Jobs of each share.
        #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
        jobs: u32,
        /// Prints every outcome as JSON, in basis points.
        #[arg(long)]
        json: bool,
    },
    /// What a broadcaster and a transcoder gain by work that they give to themselves.
    Wash {
        /// Jobs that they create each round, to use the one whose elections suit them best.
        #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        jobs: u32,
        /// Prints every outcome as JSON, in base units.
        #[arg(long)]
        json: bool,
    },
}

/// Runs it; `wash` ends with 1 if it pays anywhere under the protocol's rule.
pub fn run(arguments: &Arguments) -> ExitCode {
    match &arguments.action {
        Action::Market {
            rounds,
            seed,
            silent,
            out,
            json,
        } => {
            let setting = Setting {
                silent: *silent,
                ..Setting::new(*rounds, *seed)
            };
            run_market(&setting, out, *json)
        }
        Action::Idle { jobs, json } => run_idle(*jobs, *json),
        Action::Wash { jobs, json } => run_wash(*jobs, *json),
    }
}

fn run_market(setting: &Setting, out: &Path, json: bool) -> ExitCode {
    let market = market::run(setting);
    if let Err((path, e)) = write(&market, out) {
        return fail(
            format!("{}: {e}; name a folder that can be written", path.display()),
            USAGE,
        );
    }
    let summary = market.summary();
    if json {
        return print_json(&summary);
    }
    say(described(&summary));
    say(format!("CSV and charts are in {}", out.display()));
    ExitCode::SUCCESS
}

fn write(market: &Market, out: &Path) -> Result<(), (PathBuf, std::io::Error)> {
    std::fs::create_dir_all(out).map_err(|e| (out.into(), e))?;
    let mut files = market.charts();
    files.push(("transcoders.csv", market.csv()));
    files.push(("network.csv", market.network_csv()));
    for (name, content) in files {
        let path = out.join(name);
        std::fs::write(&path, content).map_err(|e| (path, e))?;
    }
    Ok(())
}

fn described(s: &Summary) -> String {
    let percent = |ppm: u64| format!("{:.2} %", ppm as f64 / 10_000.0);
    let mut lines = vec![
        format!(
            "price of a pixel    {} wei at first, {} wei at last",
            s.price_first_wei, s.price_last_wei
        ),
        format!(
            "segments a round    {} at first, {} at last",
            s.segments_first, s.segments_last
        ),
        format!(
            "paid in all         {:.3} ETH of fees, {:.1} LPT minted",
            s.fees_eth, s.minted_lpt
        ),
        format!(
            "work against stake  {} apart on average",
            percent(s.work_off_stake_ppm)
        ),
    ];
    if let Some(last) = s.last_without_mint {
        lines.push(format!(
            "nothing minted      in {} rounds, the last of them {last}",
            s.rounds_without_mint
        ));
    }
    lines.push(match s.cheat_caught_round {
        Some(round) => format!(
            "the cheat           caught in round {round}, {:.1} LPT slashed; work {} before, {} at last; stake {} before, {} at last",
            s.cheat_slashed_lpt,
            percent(s.cheat_work_before_ppm),
            percent(s.cheat_work_after_ppm),
            percent(s.cheat_stake_before_ppm),
            percent(s.cheat_stake_after_ppm)
        ),
        None => "the cheat           not caught".into(),
    });
    lines.join("\n")
}

fn run_idle(jobs: u32, json: bool) -> ExitCode {
    let params = Params::mainnet();
    let outcomes = SHARES.map(|idle_bps| idle::outcome(&params, idle_bps, jobs));
    if json {
        return print_json(&outcomes);
    }
    let line = |cells: Vec<String>| say(format!("| {} |", cells.join(" | ")));
    let lengths = idle::LENGTHS.map(|n| format!("runs of {n} count"));
    let demands = idle::DEMANDS.map(|n| format!("minted at {n}00 % demand"));
    let heads = lengths.into_iter().chain(demands);
    line(["idle".into()].into_iter().chain(heads).collect());
    say("|--:|--:|--:|--:|--:|--:|--:|");
    for o in &outcomes {
        let percent = |bps: &u64| format!("{:.1} %", *bps as f64 / 100.0);
        let all = [&o.idle_bps].into_iter().chain(&o.counting_bps);
        line(all.chain(&o.minted_bps).map(percent).collect());
    }
    ExitCode::SUCCESS
}

fn run_wash(jobs: u32, json: bool) -> ExitCode {
    let world = World::mainnet();
    let outcomes: Vec<_> = wash::table(jobs)
        .into_iter()
        .map(|attack| wash::telling(&world, attack))
        .collect();
    if json {
        return print_json(&outcomes);
    }
    say(
        "| list | own encoders | stake | demand | honest runs that count | elected | own Tpx | others' Tpx | minted without, LPT | minted more, LPT | paid, ETH | profit, ETH | honest lose, LPT | pays when LPT is worth |",
    );
    say("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for outcome in &outcomes {
        say(row(outcome, &world));
    }
    let pays = |o: &&Outcome| o.attack.list == List::Credited && o.profit_wei > 0;
    match outcomes.iter().find(pays) {
        Some(outcome) => fail(
            format!(
                "wash trading pays at {} basis points of the stake",
                outcome.attack.stake_bps
            ),
            1,
        ),
        None => ExitCode::SUCCESS,
    }
}

fn row(o: &Outcome, world: &World) -> String {
    let milli = |units: i128| format!("{:.3}", (units / 1_000_000_000_000) as f64 / 1e6);
    let tera = |pixels: u64| format!("{:.1}", pixels as f64 / 1e12);
    let a = &o.attack;
    let list = match a.list {
        List::Bare => "all pixels count",
        List::Credited => "credited pixels",
    };
    // Without the rule every segment counts, whatever lacks beside it.
    let runs = match a.list {
        List::Bare => "all".into(),
        List::Credited => format!("{:.0} %", o.honest_runs_bps as f64 / 100.0),
    };
    let pays = match o.breaks_even(world) {
        _ if o.pays() => "pays".into(),
        Some(hundredths) => format!("{:.2} × as much", hundredths as f64 / 100.0),
        None => "never".into(),
    };
    format!(
        "| {list} | {} | {:.0} % | {:.0} % | {runs} | {:.1} % | {} | {} | {} | {} | {} | {} | {} | {pays} |",
        match a.works {
            Works::All => "yes",
            Works::Needed => "as needed",
            Works::None => "no",
        },
        a.stake_bps as f64 / 100.0,
        a.demand_bps as f64 / 100.0,
        o.elected_bps as f64 / 100.0,
        tera(o.own_pixels),
        tera(o.others_pixels),
        milli(o.minted_before as i128),
        milli(o.gained()),
        milli(o.paid_wei as i128),
        milli(o.profit_wei),
        milli(o.honest_lose),
    )
}

fn print_json(value: &impl serde::Serialize) -> ExitCode {
    match serde_json::to_string_pretty(value) {
        Ok(text) => {
            say(text);
            ExitCode::SUCCESS
        }
        Err(e) => fail(format!("the report cannot be written: {e}"), 1),
    }
}
