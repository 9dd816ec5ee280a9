//! `assay demo`

mod report_file;

use std::path::PathBuf;
use std::process::ExitCode;

use assay_encoder::{Ladder, WorkerCommand};
use assay_testnet::cast::Size;
use assay_testnet::demo::{self, MORE_SEGMENTS, Options};
use assay_testnet::show::Show;

use super::{USAGE, fail, note, say, tool_folders};
use report_file::ReportFile;

/// Options of the demonstration.
#[derive(clap::Args)]
pub struct Arguments {
    /// Any video; the demo makes its own moving clip when there is none.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The ladder: a preset (144p … 1080p, ladder-720p, ladder-1080p, bitrate-720p, demo) or a TOML file.
    #[arg(
        long,
        value_name = "FILE|NAME",
        default_value = "demo",
        env = "ASSAY_PROFILE"
    )]
    profile: String,
    /// Segments to publish at least (default: the clip's). The clip repeats, for at most 60 segments more, until every
    /// cheater has been caught.
    #[arg(long, value_name = "N")]
    segments: Option<u32>,
    /// Transcoders.
    #[arg(long, value_name = "N", default_value_t = 3)]
    transcoders: usize,
    /// Verifiers, at least 3.
    #[arg(long, value_name = "N", default_value_t = 4)]
    verifiers: usize,
    /// Transcoders that encode one chunk in five worse than they promise.
    #[arg(long, value_name = "N", default_value_t = 1)]
    cheaters: usize,
    /// Fixes keys, randomness and the pattern of the cheat.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Folder for the playlist, the proofs and the nodes' own files.
    #[arg(long, value_name = "DIR", default_value = "assay-out")]
    out: PathBuf,
    /// Writes the report as one JSON object; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Leaves anvil running, so that the report can be held against the chain.
    #[arg(long)]
    keep_chain: bool,
}

const _: () = assert!(MORE_SEGMENTS == 60, "the help text above says 60");

/// Runs it; exit code 0 only if everything happened as it must.
pub async fn run(arguments: Arguments) -> ExitCode {
    let worker = match WorkerCommand::this_program() {
        Ok(worker) => worker,
        Err(e) => return fail(format!("this program cannot be found: {e}"), 1),
    };
    let to_stdout = arguments
        .json
        .as_deref()
        .is_some_and(|path| path.as_os_str() == "-");
    let ladder = match Ladder::load(&arguments.profile) {
        Ok(ladder) => ladder,
        Err(e) => return fail(e, USAGE),
    };
    let options = Options {
        input: arguments.input,
        ladder,
        segments: arguments.segments,
        size: Size {
            transcoders: arguments.transcoders,
            verifiers: arguments.verifiers,
            cheaters: arguments.cheaters,
        },
        seed: arguments.seed,
        keep_chain: arguments.keep_chain,
        look_in: tool_folders(),
        worker,
    };
    let code = |e: &demo::DemoError| if e.is_usage() { USAGE } else { 1 };
    let folders = match demo::prepare(&options, &arguments.out).await {
        Ok(folders) => folders,
        Err(e) => return fail(&e, code(&e)),
    };
    // Found out now, not after minutes. It may lie in the folder, which is there by now.
    let json = arguments.json.filter(|_| !to_stdout);
    let json = match json.map(ReportFile::claim).transpose() {
        Ok(json) => json,
        Err(words) => return fail(words, USAGE),
    };
    let mut show = Show::new();
    let outcome = match demo::run(options, &folders, &mut show).await {
        Ok(outcome) => outcome,
        Err(e) => {
            show.end();
            return fail(&e, code(&e));
        }
    };
    let report = match serde_json::to_string_pretty(&outcome.report) {
        Ok(report) => report + "\n",
        Err(e) => return fail(format!("the report cannot be written: {e}"), 1),
    };
    if let Some(pid) = outcome.chain {
        note(format_args!(
            "anvil goes on at {} as process {pid}",
            outcome.report.rpc
        ));
    }
    if to_stdout {
        say(report.trim_end());
    } else {
        say(outcome.report.table());
        if let Some(json) = json
            && let Err(words) = json.write(&report)
        {
            return fail(words, USAGE);
        }
    }
    for failure in &outcome.failures {
        note(format_args!("FAILED: {failure}"));
    }
    ExitCode::from(u8::from(!outcome.failures.is_empty()))
}
