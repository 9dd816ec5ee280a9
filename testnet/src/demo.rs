//! The whole loop on real components: a chain, a swarm, video, a cheat, and what it costs it.

mod checks;
mod folder;
mod losses;
mod playlist;
mod swarm;
mod tally;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assay_chain::anvil::{Anvil, AnvilConfig, AnvilError, dev_key, find};
use assay_encoder::conformance::{self, ConformanceError};
use assay_encoder::input::InputError;
use assay_encoder::{Ladder, Limits, WorkerCommand, Workers, probe, synth};
use assay_node::{KeyError, StartError};
use assay_protocol::params::Params;

use crate::cast::{Size, SizeError, cast};
use crate::clip::{Clip, ClipError, profiles};
use crate::memory::MemoryWatch;
use crate::pace::paced;
use crate::report::Report;
use crate::show::Show;
use crate::stage::{self, StageError};

pub use folder::{FolderError, Folders};

/// Seconds of the clip that the demo makes when it gets none.
const OWN_CLIP_SECONDS: u32 = 12;
/// The clip repeats until every cheater is slashed, but not beyond this many segments more than asked for.
pub const MORE_SEGMENTS: u32 = 60;

/// What to demonstrate.
#[derive(Clone, Debug)]
pub struct Options {
    /// The video; the demo makes one when there is none.
    pub input: Option<PathBuf>,
    /// The ladder.
    pub ladder: Ladder,
    /// Segments to publish; the clip's own number when not given.
    pub segments: Option<u32>,
    /// Who takes part.
    pub size: Size,
    /// Fixes keys, randomness and the pattern of the cheat.
    pub seed: u64,
    /// Leaves the chain running.
    pub keep_chain: bool,
    /// Where anvil may be besides the PATH.
    pub look_in: Vec<PathBuf>,
    /// How workers are started.
    pub worker: WorkerCommand,
}

/// Why a demonstration did not take place.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Too few or too many.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// `--segments 0`.
    #[error("0 segments; at least 1 is needed")]
    NoSegments,
    /// The video.
    #[error(transparent)]
    Clip(#[from] ClipError),
    /// The output folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// No development chain.
    #[error(transparent)]
    Anvil(#[from] AnvilError),
    /// This machine's encoder gives other bytes.
    #[error(transparent)]
    Conformance(#[from] ConformanceError),
    /// The chain was not set up.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The chain failed.
    #[error(transparent)]
    Chain(#[from] assay_chain::ChainError),
    /// A node did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The disk.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl DemoError {
    /// Whether the person who typed the command can mend it: exit code 2.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Size(_)
                | Self::NoSegments
                | Self::Clip(_)
                | Self::Folder(_)
                | Self::Anvil(AnvilError::NotFound { .. })
        )
    }
}

impl From<InputError> for DemoError {
    fn from(error: InputError) -> Self {
        Self::Clip(error.into())
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// The figures.
    pub report: Report,
    /// What did not happen as it must; empty when all is well.
    pub failures: Vec<String>,
    /// Process id of the chain that was left running.
    pub chain: Option<u32>,
}

/// Looks at everything that may be wrong with the options, and takes the folder `out`, in which nothing is removed yet.
///
/// # Errors
/// [`DemoError`] when the demonstration cannot begin.
pub async fn prepare(options: &Options, out: &Path) -> Result<Folders, DemoError> {
    options.size.validate()?;
    if options.segments == Some(0) {
        return Err(DemoError::NoSegments);
    }
    find(&options.look_in)?;
    if let Some(input) = &options.input {
        profiles(&probe(input, &options.worker).await?, &options.ladder)?;
    }
    let folders = Folders::open(out)?;
    if let Some(input) = &options.input {
        folders.spare(input)?;
    }
    Ok(folders)
}

/// Runs a demonstration from an empty chain to the last report, in folders that were [prepared](prepare).
///
/// # Errors
/// [`DemoError`] when it cannot begin or its machinery fails. That a cheat went unpunished is not an error but a
/// failure in the outcome.
pub async fn run(
    options: Options,
    folders: &Folders,
    show: &mut Show,
) -> Result<Outcome, DemoError> {
    let started = Instant::now();
    let memory = MemoryWatch::start();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let workers = Workers::new(options.worker.clone(), Limits::default(), cores);
    folders.empty()?;
    match workers.walls().await.map(|walls| walls.warning()) {
        Ok(None) => {}
        Ok(Some(warning)) => show.line(format!("warning: {warning}")),
        Err(e) => show.line(format!(
            "warning: whether video decoders are confined is unknown: {e}"
        )),
    }

    let input = match &options.input {
        Some(path) => path.clone(),
        None => {
            let path = folders.work.join("moving-clip.mkv");
            show.line(format!("making a clip of {OWN_CLIP_SECONDS} seconds"));
            synth::moving_clip(&path, OWN_CLIP_SECONDS).await?;
            path
        }
    };
    show.line(format!("cutting and inspecting {}", input.display()));
    let clip = {
        let progress = |done: usize, of: usize| show.progress(done as u64, of as u64);
        Clip::prepare(
            &input,
            &folders.work.join("segments"),
            &workers,
            &options.ladder,
            progress,
        )
        .await?
    };
    show.line(format!(
        "{}: {} {}x{}, {} frames in {} segments, {} renditions",
        input.display(),
        clip.probe.codec,
        clip.probe.width,
        clip.probe.height,
        clip.frames,
        clip.len(),
        clip.profiles.renditions.len()
    ));
    show.line("checking that this machine's encoder gives the bytes of the conformance vectors");
    conformance::check(&workers).await?;

    show.line("starting anvil and deploying the contracts");
    let anvil = Anvil::start(&AnvilConfig {
        look_in: options.look_in.clone(),
        ..AnvilConfig::default()
    })
    .await?;
    let url = anvil.url();
    let deployer = dev_key(0)?;
    let params = paced(Params::demo(), &clip.profiles, clip.longest());
    let deployment = stage::deploy_seeded(&url, &deployer, &params, options.seed).await?;
    let players = cast(&options.size, options.seed)?;
    for player in &players {
        show.name(player.address(), &player.name);
    }
    show.line(
        "bonding stakes, authorising hot keys, delegating, registering BLS keys, creating the job",
    );
    stage::set(&url, &deployer, &deployment, &players).await?;
    anvil.mine(params.round_blocks).await?;
    stage::open_round(&url, &deployer, &deployment).await?;
    let stage = stage::create_job(&url, &deployment, &players, &clip.profiles).await?;
    let opening = tally::Stakes::read(&url, &stage, &deployer, &players).await?;
    anvil.set_interval(1).await?;

    show.line("starting the nodes");
    let swarm =
        swarm::Swarm::start(&options, &url, &stage, &players, folders, &clip, &workers).await?;
    let (fed, ledger) = swarm
        .run(&options, &anvil, &clip, &params, &players, show)
        .await;
    if ledger.late_samples() > 0 {
        show.line(format!(
            "{} samples came too late for their epoch's report",
            ledger.late_samples()
        ));
    }
    show.end();

    let closing = tally::Stakes::read(&url, &stage, &deployer, &players).await?;
    let figures = tally::Figures {
        input: &input,
        clip: &clip,
        players: &players,
        folders,
    };
    let wall = started.elapsed();
    let report = figures.report(
        &ledger,
        &opening,
        &closing,
        &url,
        &stage,
        wall,
        memory.peak_mib(),
    );
    let mut failures = checks::failures(
        &ledger,
        &report,
        &players,
        options.segments.unwrap_or(clip.len()),
        &fed,
    );
    failures.extend(checks::fees(&ledger, &report, &closing));
    failures.extend(checks::elections(&ledger, &players, &opening, &closing));
    let losses = losses::read(&url, &stage, &deployer, &players, &ledger).await?;
    failures.extend(losses.iter().flat_map(losses::Loss::faults));
    let playlist = Path::new(&report.playlist);
    let unlisted = playlist::faults(playlist, ledger.delivered.len(), fed.sounds);
    failures.extend(match unlisted.is_empty() {
        true => playlist::undecoded(playlist, &clip.profiles.renditions, &fed.frames),
        false => unlisted,
    });
    let chain = match options.keep_chain {
        true => {
            // It stands at the report's block until somebody sends it something.
            anvil.set_automine(true).await?;
            let pid = anvil.keep().map_err(|source| DemoError::Io {
                path: "anvil".into(),
                source,
            })?;
            Some(pid)
        }
        false => None,
    };
    Ok(Outcome {
        report,
        failures,
        chain,
    })
}

/// Longest time in which nothing is fed, delivered, sampled or judged before the demonstration is given up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);
