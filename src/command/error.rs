//! Why a command ends without success, and with which exit code.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use assay_chain::ChainError;
use assay_chain::contracts::DeploymentFileError;
use assay_chain::queue::budget::Held;
use assay_chain::queue::{StoreError, TxError};
use assay_chain::revert::Revert;
use assay_node::KeyError;
use assay_node::evidence::EvidenceFileError;
use assay_node::keystore::KeystoreError;
use assay_protocol::amount::Eth;

use super::units::UnitError;
use super::{USAGE, fail};

/// Why a command ends without success.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// An argument that cannot be.
    #[error("{0}")]
    Argument(String),
    /// An amount, a price or a part.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// The deployment's file.
    #[error(transparent)]
    Deployment(#[from] DeploymentFileError),
    /// A key file.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// The keys of a node.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// A file.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of evidence.
    #[error(transparent)]
    Evidence(#[from] EvidenceFileError),
    /// A password is needed and there is nobody to ask.
    #[error("no password: name a --password-file; there is no terminal to ask on ({0})")]
    NoTerminal(std::io::Error),
    /// A question that nobody answers.
    #[error("this needs a yes: type it on a terminal, or give --yes")]
    NobodyAnswers,
    /// The answer was no.
    #[error("nothing was sent")]
    Declined,
    /// The chain would refuse a step.
    #[error("{label}: {revert}; nothing was sent")]
    WouldRevert {
        /// The step.
        label: String,
        /// Why.
        revert: Revert,
    },
    /// A transaction did not happen.
    #[error(transparent)]
    Tx(#[from] TxError),
    /// The account's journal of transactions.
    #[error("{path}: {error}; --journal names another file", path = path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// Why it cannot be used.
        error: StoreError,
    },
    /// The day's gas is spent.
    #[error(
        "{}: it may cost {} ETH of gas, and {} ETH of today's {} ETH are spent or promised by {}; a day ends at midnight UTC, \
         and a higher limit allows more. Nothing more is signed",
        .0.label, Eth(.0.asked), Eth(.0.spent), Eth(.0.share), .0.account
    )]
    Held(Box<Held>),
    /// The day's gas does not last for all of it.
    #[error(
        "it may cost {asked} ETH of gas in all, and {spent} ETH of today's {limit} ETH are spent or promised by this account; a day \
         ends at midnight UTC, and a higher limit allows more. Nothing is sent"
    )]
    DayTooShort {
        /// What may be spent on it.
        asked: Eth,
        /// What has been spent or promised.
        spent: Eth,
        /// What may be spent in all on such calls.
        limit: Eth,
    },
    /// No Ethereum node answers any more, or gas is too dear.
    #[error(
        "nothing has gone on for {} s: {why}. What was sent is in {path}: the same command, typed again, waits for it \
         and sends nothing twice", limit.as_secs(), path = path.display()
    )]
    Away {
        /// What the queue waits for.
        why: String,
        /// How long was waited.
        limit: Duration,
        /// The journal.
        path: PathBuf,
    },
    /// A deployment ended before its end.
    #[error(
        "{error}; the same command goes on by {plan}, and begins anew once that is removed",
        plan = plan.display()
    )]
    Unfinished {
        /// Why.
        error: ChainError,
        /// What it goes on by.
        plan: PathBuf,
    },
    /// The chain is away or another one.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl CommandError {
    /// Says it, and gives the exit code: 2 when the person who typed the command can mend it.
    pub fn exit(&self) -> ExitCode {
        let code = match self {
            Self::Tx(_)
            | Self::Chain(_)
            | Self::Unfinished { .. }
            | Self::Held(_)
            | Self::DayTooShort { .. }
            | Self::Away { .. }
            | Self::WouldRevert { .. }
            | Self::Declined => 1,
            _ => USAGE,
        };
        fail(self, code)
    }
}

/// The exit code of a command.
pub fn finish(done: Result<(), CommandError>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.exit(),
    }
}
