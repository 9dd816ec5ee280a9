//! The folder of a network: made here, emptied only if made here, and what is written into it.

use std::fs;
use std::path::{Path, PathBuf};

use assay_node::{Config, Keys};
use assay_p2p::{Identity, PeerId};

use super::daemon::Daemon;
use super::network::Operator;
use super::{LauncherError, Plan, part_name};
use crate::cast::{Part, Player};

/// Says that a folder is a test network's own.
const MARK: &str = ".assay-testnet";
/// The ladder, which the broadcaster's configuration names.
const LADDER: &str = "profile.toml";
/// Words of a log that are shown when its node has ended.
const LAST_WORDS: usize = 600;
/// libp2p's usual port.
const CONTAINER_PORT: u16 = 4001;

/// Where the nodes will run.
pub(super) enum Place<'a> {
    /// On this machine, on loopback; the broadcaster, whom everybody knows, on this port.
    Here {
        /// TCP and UDP.
        port: u16,
        /// RPC of the chain.
        rpc: &'a str,
    },
    /// Each in a container that others reach under the node's name.
    Containers {
        /// RPC of the chain.
        rpc: &'a str,
    },
}

/// A file that should name a process.
pub(super) struct Nameless {
    pub path: PathBuf,
    pub reason: LauncherError,
}

/// The folder.
pub(super) struct Folder {
    dir: PathBuf,
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> LauncherError {
    let path = path.to_owned();
    move |source| LauncherError::Io { path, source }
}

impl Folder {
    /// Looks at `dir`, which need not be there.
    ///
    /// # Errors
    /// [`LauncherError::Foreign`] when it holds somebody else's files.
    pub fn new(dir: &Path) -> Result<Self, LauncherError> {
        let dir = std::path::absolute(dir).map_err(io(dir))?;
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries.count(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => 0,
            Err(e) => return Err(io(&dir)(e)),
        };
        if entries > 0 && !dir.join(MARK).exists() {
            return Err(LauncherError::Foreign(dir));
        }
        Ok(Self { dir })
    }

    /// Empties it: what an earlier network left belongs to a chain that is gone.
    pub fn empty(&self) -> Result<(), LauncherError> {
        fs::create_dir_all(&self.dir).map_err(io(&self.dir))?;
        let mark = self.dir.join(MARK);
        fs::write(&mark, "").map_err(io(&mark))?;
        for entry in fs::read_dir(&self.dir).map_err(io(&self.dir))? {
            let path = entry.map_err(io(&self.dir))?.path();
            let removed = match path.is_dir() {
                true => fs::remove_dir_all(&path),
                false if path == mark => Ok(()),
                false => fs::remove_file(&path),
            };
            removed.map_err(io(&path))?;
        }
        for folder in [self.dir.join("logs"), self.dir.join("run")] {
            fs::create_dir_all(&folder).map_err(io(&folder))?;
        }
        Ok(())
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn deployment(&self) -> PathBuf {
        self.dir.join("deployment.json")
    }

    pub fn node(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn config(&self, name: &str) -> PathBuf {
        self.node(name).join("node.toml")
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.dir.join("logs").join(format!("{name}.log"))
    }

    pub fn pid_file(&self, name: &str) -> PathBuf {
        self.dir.join("run").join(format!("{name}.pid"))
    }

    /// The last line or two of a node's log.
    pub fn last_words(&self, name: &str) -> String {
        let text = fs::read(self.log(name)).unwrap_or_default();
        let text =
            String::from_utf8_lossy(&text[text.len().saturating_sub(LAST_WORDS)..]).into_owned();
        let lines: Vec<_> = text.lines().rev().take(2).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
    }

    /// Processes written down here, whether or not they run, and files that name none, with the reason.
    pub fn daemons(&self) -> Result<(Vec<Daemon>, Vec<Nameless>), LauncherError> {
        let run = self.dir.join("run");
        let entries = match fs::read_dir(&run) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Ok((Vec::new(), Vec::new()));
            }
            Err(e) => return Err(io(&run)(e)),
        };
        let (mut daemons, mut nameless) = (Vec::new(), Vec::new());
        for entry in entries {
            let path = entry.map_err(io(&run))?.path();
            if let (Some("pid"), Some(name)) = (
                path.extension().and_then(|e| e.to_str()),
                path.file_stem().and_then(|name| name.to_str()),
            ) {
                match Daemon::read(name, self) {
                    Ok(daemon) => daemons.push(daemon),
                    Err(reason) => nameless.push(Nameless { path, reason }),
                }
            }
        }
        daemons.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((daemons, nameless))
    }

    /// The name of a process that runs.
    pub fn alive(&self) -> Result<Option<String>, LauncherError> {
        let (daemons, nameless) = self.daemons()?;
        if let Some(nameless) = nameless.into_iter().next() {
            return Err(nameless.reason);
        }
        let alive = daemons.into_iter().find(Daemon::is_alive);
        Ok(alive.map(|daemon| daemon.name))
    }

    /// Writes keys and configuration of every node.
    pub fn write_nodes(
        &self,
        plan: &Plan,
        players: &[Player],
        place: &Place<'_>,
        input: &Path,
    ) -> Result<Vec<Operator>, LauncherError> {
        let known = players
            .iter()
            .find(|player| player.part == Part::Broadcaster);
        let known = known.map(peer_of).transpose()?;
        let mut operators = Vec::new();
        let ladder = self.dir.join(LADDER);
        fs::write(&ladder, plan.ladder.to_toml()).map_err(io(&ladder))?;
        for player in players
            .iter()
            .filter(|player| player.part != Part::Delegator)
        {
            let folder = self.node(&player.name);
            fs::create_dir_all(&folder).map_err(io(&folder))?;
            Keys::write_seeded(&folder.join("keys"), plan.seed, &player.name)?;
            if let Place::Here { .. } = place {
                self.write_owner(player)?;
            }
            let path = self.config(&player.name);
            let text = configuration(player, place, known, &self.as_seen_by_nodes(input));
            fs::write(&path, text).map_err(io(&path))?;
            // What was written must be what the node understands.
            Config::load(&path).map_err(|e| LauncherError::Content {
                path: path.clone(),
                reason: e.to_string(),
            })?;
            operators.push(Operator {
                name: player.name.clone(),
                role: part_name(player.part).into(),
                address: player.address(),
                cheats: player.part == Part::Transcoder { cheats: true },
            });
        }
        Ok(operators)
    }

    /// Writes the key that owns a stake where no node looks for it: people act with it, nodes never do.
    fn write_owner(&self, player: &Player) -> Result<(), LauncherError> {
        let folder = self.dir.join("owners");
        fs::create_dir_all(&folder).map_err(io(&folder))?;
        let path = folder.join(format!("{}.json", player.name));
        Ok(Keys::write_seeded_owner(&path, &player.owner)?)
    }

    /// A file of this folder relative to a node's, so that the whole folder can be moved or mounted.
    fn as_seen_by_nodes(&self, file: &Path) -> PathBuf {
        match file.strip_prefix(&self.dir) {
            Ok(inside) => Path::new("..").join(inside),
            Err(_) => file.into(),
        }
    }
}

fn peer_of(player: &Player) -> Result<PeerId, LauncherError> {
    Ok(Identity::from_secret(player.keys.p2p.clone())?.peer_id())
}

/// A node's configuration file, for people too.
fn configuration(
    player: &Player,
    place: &Place<'_>,
    known: Option<PeerId>,
    input: &Path,
) -> String {
    let input = toml::Value::from(input.to_string_lossy().into_owned());
    let is_known = player.part == Part::Broadcaster;
    let (rpc, host, known_host, port, known_port, discovery) = match *place {
        Place::Here { port, rpc } => {
            let own = if is_known { port } else { 0 };
            (rpc, "127.0.0.1", "/ip4/127.0.0.1", own, port, "auto")
        }
        // Nobody confirms addresses in a closed network that is not on loopback.
        Place::Containers { rpc } => {
            let port = CONTAINER_PORT;
            (rpc, "0.0.0.0", "/dns4/broadcaster", port, port, "server")
        }
    };
    let listen = [
        format!("/ip4/{host}/tcp/{port}"),
        format!("/ip4/{host}/udp/{port}/quic-v1"),
    ];
    let bootstrap: Vec<_> = known
        .filter(|_| !is_known)
        .map(|peer| format!("{known_host}/tcp/{known_port}/p2p/{peer}"))
        .into_iter()
        .collect();
    let role = match player.part {
        Part::Transcoder { .. } => "[transcoder]\n".to_owned(),
        Part::Verifier => "[verifier]\n".to_owned(),
        Part::Broadcaster => {
            format!(
                "[broadcaster]\n\
             input = {input}\n\
             profile = \"../{LADDER}\"\n\
             repeat = true\n\
             output = \"hls\"\n\
             # More at a time, and the nodes of one machine would make each other late.\n\
             in_flight = 1\n\
             # Other networks on this machine have viewers too: the log says which port it is.\n\
             serve = \"127.0.0.1:0\"\n"
            )
        }
        Part::Delegator => String::new(),
    };
    format!(
        "# {name}: keys, journal and blobs are beside this file; relative paths start here.\n\
         # The account that owns the stake; the operator key in keys/ signs for it.\n\
         operator = \"{address}\"\n\
         deployment = \"../deployment.json\"\n\
         rpc = {rpc:?}\n\
         # Blocks come every second and ETH costs nothing here.\n\
         gas_per_day = \"100 ETH\"\n\
         # All nodes of this network share one machine.\n\
         workers = 1\n\n\
         [p2p]\n\
         listen = {listen:?}\n\
         bootstrap = {bootstrap:?}\n\
         discovery = {discovery:?}\n\n\
         {role}",
        name = player.name,
        address = player.address(),
    )
}
