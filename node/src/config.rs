//! The configuration file of a node: TOML, every setting with a default that says why, checked before anything starts.

mod broadcaster;

use std::path::{Path, PathBuf};

use assay_chain::queue::QueueConfig;
use assay_chain::queue::budget::GasLimit;
use assay_chain::{Endpoints, RpcError};
use assay_encoder::Ladder;
use assay_encoder::ladder::toml_words;
use assay_encoder::live::{Address as LiveAddress, AddressError};
use assay_p2p::ConfigError as NetworkError;
use assay_protocol::{Address, U256};
use serde::{Deserialize, Serialize};

pub use broadcaster::BroadcasterConfig;

use crate::ether::Ether;

/// A node's configuration file. A role runs when its table is there, even if it is empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder for journal, transactions, blobs and proofs. Default: the configuration file's own folder, so that a
    /// node is one folder. Relative paths in this file are relative to it everywhere.
    pub folder: PathBuf,
    /// Folder of the keys that `assay init` makes. Default `keys`.
    pub keys: PathBuf,
    /// The account whose stake stands behind this node: the owner that has authorised the operator key. Default: the
    /// operator key's own account, which is then owner and signer at once.
    pub operator: Option<Address>,
    /// RPC of an Ethereum node, `http://` or `https://`, or a list of several, best first: the next one takes over while
    /// one is away or behind. Default: where a node on this machine listens.
    pub rpc: Endpoints,
    /// Certificates in PEM form that are trusted for `https://`, besides the system's. Default: none; only a node of one's
    /// own behind a certificate of one's own needs it.
    pub rpc_ca: Option<PathBuf>,
    /// Most ETH a day (UTC, by the chain's clock) that the operator's account pays for gas. Default 1: some thirty proofs
    /// at 100 gwei, and little enough to be stolen with a hot key.
    pub gas_per_day: Ether,
    /// Percent of it that only evidence may use, so that chores cannot starve a proof. Default 50.
    pub gas_for_evidence: u8,
    /// The deployment's file. Default `deployment.json`.
    pub deployment: PathBuf,
    /// Chunks encoded at a time in all worker processes. Default: one for each core, because an encode keeps one busy.
    pub workers: Option<usize>,
    /// Most GiB of other people's sources on disk, shared by their broadcasters: they are kept while a proof about them is
    /// accepted. Default 16: at 8 Mbit/s four and a half hours of
    /// video, of twelve in which mainnet takes evidence and of which a verifier draws a part.
    pub sources_gib: u64,
    /// The network. Chain and court come from the deployment; if they are given here they must be the same.
    pub p2p: assay_p2p::Config,
    /// Encode for others.
    pub transcoder: Option<TranscoderConfig>,
    /// Recompute samples.
    pub verifier: Option<VerifierConfig>,
    /// Publish a video.
    pub broadcaster: Option<BroadcasterConfig>,
}

/// Settings of a transcoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TranscoderConfig {
    /// Segments taken at a time; more are refused. Default 4: two broadcasters with two segments in flight each.
    pub capacity: usize,
    /// Chunks of one segment encoded at the same time, at most; while others wait it has fewer. Default: as many as `workers`.
    pub threads: Option<u16>,
}

/// Settings of a verifier: none yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifierConfig {}

impl Default for TranscoderConfig {
    fn default() -> Self {
        Self {
            capacity: 4,
            threads: None,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            folder: ".".into(),
            keys: "keys".into(),
            operator: None,
            rpc: "http://127.0.0.1:8545".into(),
            rpc_ca: None,
            gas_per_day: Ether(U256::from(10).pow(U256::from(18))),
            gas_for_evidence: 50,
            deployment: "deployment.json".into(),
            workers: None,
            sources_gib: 16,
            p2p: assay_p2p::Config::default(),
            transcoder: None,
            verifier: None,
            broadcaster: None,
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not TOML, or a setting that does not exist or has another type.
    #[error("{path}: {words}", path = path.display(), words = toml_words(source))]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// Nothing to do.
    #[error("no role: add at least one of the tables [transcoder], [verifier], [broadcaster]")]
    NoRole,
    /// An RPC address that this client does not speak to.
    #[error("rpc: {0}")]
    Rpc(#[from] RpcError),
    /// A number that cannot work.
    #[error("{setting} is {found}; it must be {expected}")]
    Range {
        /// Dotted name.
        setting: &'static str,
        /// As given.
        found: usize,
        /// In words.
        expected: &'static str,
    },
    /// Nothing to publish.
    #[error("broadcaster.input is empty: name a file or a live source")]
    NoInput,
    /// A live source that is none.
    #[error("broadcaster.input: {0}")]
    Live(#[from] AddressError),
    /// A network setting.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The network table names another deployment than the deployment's file.
    #[error(
        "p2p.{setting} is {found}, but the deployment's file says {expected}; remove it from the configuration"
    )]
    OtherDeployment {
        /// `chain_id` or `court`.
        setting: &'static str,
        /// In the configuration.
        found: String,
        /// In the deployment's file.
        expected: String,
    },
}

impl Config {
    /// Reads and checks a file; makes its paths absolute or relative to the present folder.
    ///
    /// # Errors
    /// [`ConfigError::Read`] and [`ConfigError::Parse`] for the file; otherwise as [`Self::validate`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::load_changed(path, |_| {})
    }

    /// The same with settings that override the file's; their paths are absolute or relative to the file too.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_changed(path: &Path, change: impl FnOnce(&mut Self)) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.into(),
            source,
        })?;
        let mut config: Self = toml::from_str(&text).map_err(|source| ConfigError::Parse {
            path: path.into(),
            source: Box::new(source),
        })?;
        change(&mut config);
        config.validate()?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    fn resolve(&mut self, base: &Path) {
        let mut paths = vec![&mut self.folder, &mut self.keys, &mut self.deployment];
        paths.extend(&mut self.rpc_ca);
        if let Some(broadcaster) = &mut self.broadcaster {
            if !LiveAddress::is_url(&broadcaster.input.to_string_lossy()) {
                paths.push(&mut broadcaster.input);
            }
            paths.extend([&mut broadcaster.output, &mut broadcaster.key_file]);
            paths.extend(&mut broadcaster.viewer_token_file);
            broadcaster.profile = Ladder::locate(&broadcaster.profile, base);
        }
        for path in paths {
            // Through its components, which leave out every `.`.
            *path = base.join(&path).components().collect();
        }
    }

    /// Checks every setting that can be checked without the deployment.
    ///
    /// # Errors
    /// The first setting that cannot be, with what was found and what is expected.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.transcoder.is_none() && self.verifier.is_none() && self.broadcaster.is_none() {
            return Err(ConfigError::NoRole);
        }
        self.rpc.validate()?;
        if self.gas_for_evidence > 100 {
            return Err(ConfigError::Range {
                setting: "gas_for_evidence",
                found: self.gas_for_evidence.into(),
                expected: "at most 100",
            });
        }
        let transcoder = self.transcoder.as_ref();
        let counts = [
            ("workers", self.workers),
            (
                "sources_gib",
                Some(usize::try_from(self.sources_gib).unwrap_or(usize::MAX)),
            ),
            ("transcoder.capacity", transcoder.map(|t| t.capacity)),
            (
                "transcoder.threads",
                transcoder.and_then(|t| t.threads).map(usize::from),
            ),
            (
                "broadcaster.in_flight",
                self.broadcaster.as_ref().map(BroadcasterConfig::in_flight),
            ),
        ];
        for (setting, found) in counts {
            if let Some(found @ 0) = found {
                return Err(ConfigError::Range {
                    setting,
                    found,
                    expected: "at least 1",
                });
            }
        }
        if let Some(broadcaster) = &self.broadcaster {
            if broadcaster.input.as_os_str().is_empty() {
                return Err(ConfigError::NoInput);
            }
            broadcaster.live_source()?;
            let least = 10;
            if let Some(found) = broadcaster
                .window_seconds
                .filter(|&seconds| seconds < least)
            {
                return Err(ConfigError::Range {
                    setting: "broadcaster.window_seconds",
                    found: found as usize,
                    expected: "at least 10: a player holds three segments",
                });
            }
        }
        // Chain and court are filled in from the deployment later.
        let stand_in = assay_p2p::Config {
            chain_id: 1,
            court: Address::repeat_byte(1),
            ..self.p2p.clone()
        };
        Ok(stand_in.validate()?)
    }

    /// The Ethereum nodes that are asked.
    pub fn endpoints(&self) -> Endpoints {
        self.rpc.clone().with_authority(self.rpc_ca.clone())
    }

    /// The transaction queue's settings.
    pub fn queue(&self) -> QueueConfig {
        QueueConfig {
            daily_gas: Some(GasLimit {
                wei_per_day: self.gas_per_day.0,
                for_evidence: self.gas_for_evidence,
            }),
            ..QueueConfig::default()
        }
    }

    /// The network's settings for one deployment.
    ///
    /// # Errors
    /// [`ConfigError::OtherDeployment`] when the file names another chain or court.
    pub fn network(&self, chain_id: u64, court: Address) -> Result<assay_p2p::Config, ConfigError> {
        let other = |setting, found: String, expected: String| ConfigError::OtherDeployment {
            setting,
            found,
            expected,
        };
        let given = &self.p2p;
        if given.chain_id != 0 && given.chain_id != chain_id {
            return Err(other(
                "chain_id",
                given.chain_id.to_string(),
                chain_id.to_string(),
            ));
        }
        if given.court != Address::ZERO && given.court != court {
            return Err(other("court", given.court.to_string(), court.to_string()));
        }
        Ok(assay_p2p::Config {
            chain_id,
            court,
            ..given.clone()
        })
    }
}

#[cfg(test)]
mod tests;
