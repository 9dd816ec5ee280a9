//! A development chain as a child process that cannot outlive its parent.
//!
//! anvil runs under a three-line shell guard that reads a pipe from this process. When the parent ends in whatever
//! way (return, panic, Ctrl-C, SIGKILL) the kernel closes the pipe, the guard reads end-of-file and kills anvil.
//! [`Anvil::keep`] writes one word into the pipe instead, after which the guard lets anvil live. Neither `unsafe` nor
//! `prctl(PR_SET_PDEATHSIG)` is needed; the latter would follow the *thread* that spawned the child.

mod find;

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use alloy_primitives::{Address, U256};
use assay_protocol::sig::OperatorKey;
use ethers::signers::MnemonicBuilder;
use ethers::signers::coins_bip39::English;
use serde_json::json;
use zeroize::Zeroizing;

use crate::rpc::{Endpoints, Policy, Rpc, RpcError};
use find::LEAST;
pub use find::find;

/// The mnemonic of every development chain; its accounts are public and hold nothing anywhere else.
pub const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Chain id of anvil unless told otherwise.
pub const DEV_CHAIN_ID: u64 = 31_337;

/// Long enough for a cold disk on a loaded machine; anvil is up in a tenth of a second otherwise.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Thousands of blocks are mined in one request, on a machine that does other things as well.
const CONTROL_LIMIT: Duration = Duration::from_secs(60);

/// Another process may take the port between the choice and anvil's own bind.
const START_TRIES: u32 = 5;

/// `$@` is the command line of anvil. Its process id goes to stdout, its own output nowhere.
const GUARD: &str = r#"exec 3<&0
"$@" </dev/null >/dev/null 2>/dev/null 3<&- & anvil=$!
echo $anvil
exec 1>/dev/null
( read -r word; [ "$word" = keep ] || kill -9 $anvil ) <&3 & reader=$!
exec 3<&- 0</dev/null
wait $anvil; status=$?
kill $reader
exit $status"#;

/// Why there is no development chain.
#[derive(Debug, thiserror::Error)]
pub enum AnvilError {
    /// No executable anywhere, or none that is new enough.
    #[error(
        "anvil {LEAST} or later was not found on the PATH{}{}; run `make deps`, or `npm ci` in chain/, or install Foundry \
         {LEAST} or later",
        listed(.looked_in, ", nor at ", ""),
        listed(.passed_over, "; ", " is older or no anvil")
    )]
    NotFound {
        /// The other places searched.
        looked_in: Vec<PathBuf>,
        /// Programs that are there.
        passed_over: Vec<PathBuf>,
    },
    /// It is there but does not run.
    #[error("{} cannot be started: {source}", path.display())]
    Spawn {
        /// The executable.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It ended at once.
    #[error("anvil ended at once on port {port}; does `anvil --hardfork prague` run?")]
    Exited {
        /// The port asked for.
        port: u16,
    },
    /// It runs but does not answer.
    #[error("anvil does not answer on port {port} after {} s", START_LIMIT.as_secs())]
    Silent {
        /// The port asked for.
        port: u16,
    },
    /// Something else listens there.
    #[error("port {port} of 127.0.0.1 is taken: {source}; choose another one or none")]
    PortTaken {
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// A control request failed.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// No free loopback port.
    #[error("no free port on 127.0.0.1: {0}")]
    Port(std::io::Error),
    /// A development account that does not exist.
    #[error("the development mnemonic gives no account {0}")]
    Account(u32),
}

fn listed(places: &[PathBuf], before: &str, behind: &str) -> String {
    places
        .iter()
        .map(|p| format!("{before}{}{behind}", p.display()))
        .collect()
}

/// How to start the chain.
#[derive(Clone, Debug, Default)]
pub struct AnvilConfig {
    /// Where to look when the PATH has none: an executable, or a folder that holds `node_modules`.
    pub look_in: Vec<PathBuf>,
    /// Port on 127.0.0.1; `None` takes a free one.
    pub port: Option<u16>,
    /// Mine a block every so often from the start; `None` mines one per transaction until
    /// [`Anvil::set_interval`] is called.
    pub block_time: Option<Duration>,
}

/// A running development chain. Dropping it ends it, unless [`Anvil::keep`] was called.
#[derive(Debug)]
pub struct Anvil {
    guard: Child,
    pipe: Option<ChildStdin>,
    pid: u32,
    port: u16,
    rpc: Rpc,
}

impl Anvil {
    /// Starts anvil with Prague rules on 127.0.0.1 and waits until it answers.
    pub async fn start(config: &AnvilConfig) -> Result<Self, AnvilError> {
        let path = find(&config.look_in)?;
        let mut tries = 0;
        loop {
            tries += 1;
            let port = match config.port {
                // A foreign chain there would answer in anvil's place.
                Some(port) => check_free(port)?,
                None => free_port()?,
            };
            match Self::start_on(&path, port, config.block_time).await {
                Err(AnvilError::Exited { .. }) if config.port.is_none() && tries < START_TRIES => {}
                other => return other,
            }
        }
    }

    async fn start_on(
        path: &Path,
        port: u16,
        block_time: Option<Duration>,
    ) -> Result<Self, AnvilError> {
        let spawn_error = |source| AnvilError::Spawn {
            path: path.to_owned(),
            source,
        };
        let mut command = Command::new("/bin/sh");
        command.args(["-c", GUARD, "anvil-guard"]).arg(path);
        command.args([
            "--host",
            "127.0.0.1",
            "--hardfork",
            "prague",
            "--silent",
            "--mnemonic",
            DEV_MNEMONIC,
        ]);
        command.args([
            "--port",
            &port.to_string(),
            "--chain-id",
            &DEV_CHAIN_ID.to_string(),
        ]);
        if let Some(every) = block_time {
            command.args(["--block-time", &every.as_secs_f64().to_string()]);
        }
        // Its own group: Ctrl-C on the terminal reaches the parent, which ends the chain last.
        command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut guard = command.spawn().map_err(spawn_error)?;
        let pipe = guard.stdin.take();
        let mut line = String::new();
        if let Some(out) = guard.stdout.take() {
            BufReader::new(out)
                .read_line(&mut line)
                .map_err(spawn_error)?;
        }
        let pid = line.trim().parse().unwrap_or_default();
        let endpoint = Endpoints::from(format!("http://127.0.0.1:{port}")).with_policy(Policy {
            patience: CONTROL_LIMIT,
            ..Policy::default()
        });
        let rpc = Rpc::new(endpoint)?;
        let mut anvil = Self {
            guard,
            pipe,
            pid,
            port,
            rpc,
        };
        let begun = Instant::now();
        while begun.elapsed() < START_LIMIT {
            if anvil.guard.try_wait().map_err(spawn_error)?.is_some() {
                return Err(AnvilError::Exited { port });
            }
            if anvil.rpc.chain_id().await.is_ok() {
                return Ok(anvil);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(AnvilError::Silent { port })
    }

    /// Address of its RPC.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Process id of anvil itself.
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Lets the chain live on after this process; returns its process id for whoever ends it later.
    pub fn keep(mut self) -> std::io::Result<u32> {
        if let Some(mut pipe) = self.pipe.take() {
            pipe.write_all(b"keep\n")?;
        }
        Ok(self.pid)
    }

    /// Mines `blocks` at once.
    pub async fn mine(&self, blocks: u64) -> Result<(), AnvilError> {
        self.control("anvil_mine", json!([format!("{blocks:#x}")]))
            .await
    }

    /// Mines a block per transaction, or none until [`Self::mine`] or an interval.
    pub async fn set_automine(&self, on: bool) -> Result<(), AnvilError> {
        self.control("evm_setAutomine", json!([on])).await
    }

    /// Mines a block every so many seconds from now on, and none in between; 0 stops it.
    pub async fn set_interval(&self, seconds: u64) -> Result<(), AnvilError> {
        self.set_automine(false).await?;
        self.control("evm_setIntervalMining", json!([seconds]))
            .await
    }

    /// Sets an account's balance in wei.
    pub async fn set_balance(&self, account: Address, wei: U256) -> Result<(), AnvilError> {
        self.control("anvil_setBalance", json!([account, format!("{wei:#x}")]))
            .await
    }

    /// Lets the next block be so many seconds later than it would be.
    pub async fn advance_time(&self, seconds: u64) -> Result<(), AnvilError> {
        self.control("evm_increaseTime", json!([seconds])).await
    }

    /// Replaces the last `depth` blocks by empty ones: a reorganisation.
    pub async fn reorg(&self, depth: u64) -> Result<(), AnvilError> {
        self.control("anvil_reorg", json!([depth, []])).await
    }

    /// Sets the base fee of the next block, wei per gas.
    pub async fn set_next_base_fee(&self, wei: U256) -> Result<(), AnvilError> {
        self.control(
            "anvil_setNextBlockBaseFeePerGas",
            json!([format!("{wei:#x}")]),
        )
        .await
    }

    /// Forgets all waiting transactions, as a restarted node does.
    pub async fn drop_waiting(&self) -> Result<(), AnvilError> {
        self.control("anvil_dropAllTransactions", json!([])).await
    }

    async fn control(
        &self,
        method: &'static str,
        params: serde_json::Value,
    ) -> Result<(), AnvilError> {
        let _: serde_json::Value = self.rpc.request(method, params).await?;
        Ok(())
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // Closing the pipe makes the guard kill anvil and end; after `keep` the guard stays, as anvil's parent.
        if self.pipe.take().is_some() {
            let _ = self.guard.wait();
        }
    }
}

/// Key of an account that anvil funds with 10,000 ETH.
pub fn dev_key(index: u32) -> Result<OperatorKey, AnvilError> {
    let bad = || AnvilError::Account(index);
    let builder = MnemonicBuilder::<English>::default().phrase(DEV_MNEMONIC);
    let wallet = builder
        .index(index)
        .and_then(|b| b.build())
        .map_err(|_| bad())?;
    let secret = Zeroizing::new(<[u8; 32]>::from(wallet.signer().to_bytes()));
    OperatorKey::from_bytes(*secret).map_err(|_| bad())
}

fn check_free(port: u16) -> Result<u16, AnvilError> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(port),
        Err(source) => Err(AnvilError::PortTaken { port, source }),
    }
}

fn free_port() -> Result<u16, AnvilError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(AnvilError::Port)?;
    Ok(listener.local_addr().map_err(AnvilError::Port)?.port())
}
