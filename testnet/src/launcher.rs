//! Networks of separate processes: one for the chain, one `assay node` for each operator, on this machine or prepared
//! for containers.
//!
//! ```text
//! DIR/network.json         who takes part, and where the chain is
//! DIR/deployment.json      the contracts
//! DIR/NAME/node.toml       a node's configuration; its keys, journal and blobs beside it
//! DIR/owners/NAME.json     the key that owns its stake, for people (`assay stake …`); its password beside it
//! DIR/logs/NAME.log        what it says
//! DIR/run/NAME.pid         its process
//! ```

mod daemon;
mod error;
mod folder;
mod network;
mod status;
mod video;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assay_chain::anvil::{Anvil, AnvilConfig, dev_key, find};
use assay_chain::client::Client;
use assay_chain::contracts::Deployment;
use assay_encoder::{Ladder, WorkerCommand, synth};
use assay_node::status::Status;
use assay_protocol::params::Params;

use crate::cast::{Part, Player, Size, cast};
use crate::pace::paced;
use crate::stage;

use daemon::{Crew, Daemon};
use folder::{Folder, Nameless, Place};
use network::{Network, Operator};
use video::Video;

pub use error::LauncherError;
pub use status::status;

/// Seconds of the clip that is made when none is given. It repeats.
const OWN_CLIP_SECONDS: u32 = 16;
/// Longest time for all nodes to check their encoders and find each other: eight checks share the cores.
const READY_TIME: Duration = Duration::from_secs(180);
/// Peers that make a node of a large network well connected.
const ENOUGH_PEERS: usize = 8;
/// The chain's name among the processes.
const CHAIN: &str = "anvil";

/// What to start.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The video; a moving clip when there is none.
    pub input: Option<PathBuf>,
    /// Its ladder.
    pub ladder: Ladder,
    /// Who takes part.
    pub size: Size,
    /// Fixes keys, randomness and the pattern of the cheat.
    pub seed: u64,
    /// Expected checks of a leaf, in millionths.
    pub checks_per_leaf_ppm: u64,
    /// Where everything lies.
    pub dir: PathBuf,
    /// Where anvil may be besides the PATH.
    pub look_in: Vec<PathBuf>,
    /// The program that has the `node` command.
    pub worker: WorkerCommand,
}

/// Starts a chain and a process for each node, and waits until they have found each other. Gives what to say then.
///
/// # Errors
/// When something does not start; everything that was started is ended then.
pub async fn up(plan: Plan) -> Result<String, LauncherError> {
    plan.size.validate()?;
    find(&plan.look_in)?;
    let folder = Folder::new(&plan.dir)?;
    if let Some(name) = folder.alive()? {
        return Err(LauncherError::AlreadyUp {
            dir: folder.dir().into(),
            name,
        });
    }
    let given = given(&plan, &folder).await?;
    folder.empty()?;
    let input = input(given, &plan, &folder).await?;
    let anvil = Anvil::start(&AnvilConfig {
        look_in: plan.look_in.clone(),
        ..AnvilConfig::default()
    })
    .await?;
    let url = anvil.url();
    let (players, deployment) = set_stage(&plan, &input, &url, Some(&anvil)).await?;
    let place = Place::Here {
        port: free_port()?,
        rpc: &url,
    };
    let operators = folder.write_nodes(&plan, &players, &place, &input.path)?;
    let network = Network {
        rpc: url.clone(),
        seed: plan.seed,
        operators,
    };
    network.save(folder.dir())?;
    deployment.save(&folder.deployment())?;

    anvil.set_interval(1).await?;
    let mut crew = Crew::default();
    let chain = Daemon::of(CHAIN, anvil.pid(), &folder)?;
    // From here on the crew answers for the chain too.
    anvil.keep().map_err(|source| LauncherError::Start {
        name: CHAIN.into(),
        source,
    })?;
    crew.take(chain);
    for operator in &network.operators {
        crew.take(Daemon::start(operator, &plan, &folder)?);
    }
    ready(&mut crew, &network, &folder, input.took).await?;
    crew.dismiss();
    let dir = folder.dir().display();
    Ok(format!(
        "{} nodes and the chain are up\n\
         rpc           {url}\n\
         contracts     {dir}/deployment.json\n\
         nodes         {dir}/NAME/node.toml\n\
         owners' keys  {dir}/owners/NAME.json\n\
         logs          {dir}/logs/NAME.log\n\
         playlist      {dir}/broadcaster/hls/master.m3u8\n\
         assay testnet status --dir {dir}\n\
         assay testnet down --dir {dir}",
        network.operators.len()
    ))
}

/// Deploys, bonds and registers on a running chain and writes each node's folder, without starting anything. A folder
/// that was prepared for that very chain is left as it is.
///
/// # Errors
/// When the chain is away, or the folder was prepared for another one.
pub async fn prepare(
    plan: Plan,
    rpc: &str,
    node_rpc: &str,
    containers: bool,
) -> Result<String, LauncherError> {
    plan.size.validate()?;
    let folder = Folder::new(&plan.dir)?;
    let dir = folder.dir().display().to_string();
    if folder.deployment().exists() {
        let deployment = Deployment::load(&folder.deployment())?;
        Client::connect(rpc, &deployment, dev_key(0)?)
            .await
            .map_err(|source| LauncherError::OtherChain {
                dir: folder.dir().into(),
                source,
            })?;
        return Ok(format!("{dir} is prepared for this chain already"));
    }
    let given = given(&plan, &folder).await?;
    folder.empty()?;
    let mut input = input(given, &plan, &folder).await?;
    if containers && plan.input.is_some() {
        // Containers see this folder and nothing else.
        let copy = folder.dir().join("input");
        std::fs::copy(&input.path, &copy).map_err(|source| LauncherError::Io {
            path: input.path.clone(),
            source,
        })?;
        input.path = copy;
    }
    let (players, deployment) = set_stage(&plan, &input, rpc, None).await?;
    let place = match containers {
        true => Place::Containers { rpc: node_rpc },
        false => Place::Here {
            port: free_port()?,
            rpc: node_rpc,
        },
    };
    let operators = folder.write_nodes(&plan, &players, &place, &input.path)?;
    let count = operators.len();
    let network = Network {
        rpc: rpc.into(),
        seed: plan.seed,
        operators,
    };
    network.save(folder.dir())?;
    // Last, because it says that the preparation is complete.
    deployment.save(&folder.deployment())?;
    Ok(format!("{count} nodes are prepared in {dir}"))
}

/// Ends what [`up`] has started, and nothing else; what they wrote stays. Doing it twice is no error.
///
/// # Errors
/// When a process cannot be ended.
pub async fn down(dir: &Path) -> Result<String, LauncherError> {
    let folder = Folder::new(dir)?;
    let mut crew = Crew::default();
    let (daemons, nameless) = folder.daemons()?;
    for daemon in daemons {
        crew.take(daemon);
    }
    // The chain goes last: a node that is being stopped may still talk to it.
    let chain = crew.split_off(CHAIN);
    let ended = crew.end().await? + chain.end().await?;
    let mut text = match ended {
        0 => format!("nothing runs in {}", folder.dir().display()),
        ended => format!(
            "{ended} processes ended; their files are in {}",
            folder.dir().display()
        ),
    };
    for Nameless { path, reason } in nameless {
        let _ = std::fs::remove_file(&path);
        let name = path.file_stem().unwrap_or_default().display();
        text += &format!("\n{reason}: removed; if {name} still runs, end it by hand");
    }
    Ok(text)
}

/// The video that is given, if there is one; what is wrong with it is said by the program that was told, and not by a
/// node's log, and before what an earlier network has left is removed.
async fn given(plan: &Plan, folder: &Folder) -> Result<Option<Video>, LauncherError> {
    let Some(path) = &plan.input else {
        return Ok(None);
    };
    let resolved = path.canonicalize().map_err(|source| LauncherError::Io {
        path: path.clone(),
        source,
    })?;
    if resolved.to_str().is_none() {
        return Err(LauncherError::NotText(resolved));
    }
    let dir = folder.dir();
    if resolved.starts_with(dir.canonicalize().unwrap_or_else(|_| dir.into())) {
        return Err(LauncherError::Inside {
            input: path.clone(),
            dir: dir.into(),
        });
    }
    Ok(Some(Video::look(resolved, plan).await?))
}

/// The video to publish, inside the folder where it is made here.
async fn input(given: Option<Video>, plan: &Plan, folder: &Folder) -> Result<Video, LauncherError> {
    match given {
        Some(video) => Ok(video),
        None => {
            let path = folder.dir().join("moving-clip.mkv");
            synth::moving_clip(&path, OWN_CLIP_SECONDS).await?;
            Video::look(path, plan).await
        }
    }
}

/// Contracts, money, stakes, keys and the first round.
async fn set_stage(
    plan: &Plan,
    video: &Video,
    url: &str,
    anvil: Option<&Anvil>,
) -> Result<(Vec<Player>, Deployment), LauncherError> {
    let deployer = dev_key(0)?;
    let preset = Params {
        checks_per_leaf_ppm: plan.checks_per_leaf_ppm,
        ..Params::demo()
    };
    let params = paced(preset, &video.profiles, video.longest);
    let deployment = stage::deploy_seeded(url, &deployer, &params, plan.seed).await?;
    let players = cast(&plan.size, plan.seed)?;
    stage::set(url, &deployer, &deployment, &players).await?;
    match anvil {
        Some(anvil) => anvil.mine(params.round_blocks).await?,
        None => {
            let client = Client::connect(url, &deployment, deployer.clone()).await?;
            while client.head().await?.number < client.round().await?.openable_at {
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        }
    }
    stage::open_round(url, &deployer, &deployment).await?;
    Ok((players, deployment))
}

/// Waits until every node follows the chain and knows enough others. The broadcaster cuts its video first, on fewer cores
/// than took `cutting` for that.
async fn ready(
    crew: &mut Crew,
    network: &Network,
    folder: &Folder,
    cutting: Duration,
) -> Result<(), LauncherError> {
    let begun = Instant::now();
    let enough = (network.operators.len() - 1).min(ENOUGH_PEERS);
    let waiting = |operator: &&Operator| {
        let status = Status::read(&folder.node(&operator.name));
        !status.is_some_and(|status| status.is_ready() && status.peers >= enough)
    };
    loop {
        if let Some(name) = crew.ended() {
            return Err(LauncherError::Ended {
                log: folder.log(&name),
                words: folder.last_words(&name),
                name,
            });
        }
        let missing: Vec<_> = network.operators.iter().filter(waiting).collect();
        let Some(first) = missing.first() else {
            return Ok(());
        };
        if begun.elapsed() > READY_TIME + 4 * cutting {
            return Err(LauncherError::NotReady {
                names: missing.iter().map(|o| o.name.clone()).collect(),
                log: folder.log(&first.name),
            });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn free_port() -> Result<u16, LauncherError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(LauncherError::Port)?;
    Ok(listener.local_addr().map_err(LauncherError::Port)?.port())
}

/// What an operator is called in tables.
const fn part_name(part: Part) -> &'static str {
    match part {
        Part::Broadcaster => "broadcaster",
        Part::Transcoder { .. } => "transcoder",
        Part::Verifier => "verifier",
        Part::Delegator => "delegator",
    }
}
