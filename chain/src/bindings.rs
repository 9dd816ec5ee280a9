//! Types generated at compile time from the committed ABI files; private, so that nothing of them leaves this crate.
#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    dead_code
)]

use std::sync::LazyLock;

use alloy_primitives::Address;
use ethers::abi::Abi;
use ethers::contract::abigen;
use ethers::types::Bytes;
use serde::Deserialize;

use crate::contracts::Contracts;
use crate::revert::ErrorBook;

abigen!(LivepeerToken, "$OUT_DIR/LivepeerToken.json");
abigen!(FixedRandomSource, "$OUT_DIR/FixedRandomSource.json");
abigen!(BlockhashRandomSource, "$OUT_DIR/BlockhashRandomSource.json");
abigen!(Operators, "$OUT_DIR/Operators.json");
abigen!(RoundsManager, "$OUT_DIR/RoundsManager.json");
abigen!(Roster, "$OUT_DIR/Roster.json");
abigen!(FeeLedger, "$OUT_DIR/FeeLedger.json");
abigen!(BondingManager, "$OUT_DIR/BondingManager.json");
abigen!(VerifierRegistry, "$OUT_DIR/VerifierRegistry.json");
abigen!(JobRegistry, "$OUT_DIR/JobRegistry.json");
abigen!(Evidence, "$OUT_DIR/Evidence.json");
abigen!(FraudCourt, "$OUT_DIR/FraudCourt.json");
abigen!(Contests, "$OUT_DIR/Contests.json");
abigen!(Challenges, "$OUT_DIR/Challenges.json");
abigen!(TicketBroker, "$OUT_DIR/TicketBroker.json");
abigen!(Minter, "$OUT_DIR/Minter.json");
abigen!(FundedPool, "$OUT_DIR/FundedPool.json");
abigen!(WorkLedger, "$OUT_DIR/WorkLedger.json");

/// What the compiler made of a contract: `abi/NAME.json`.
#[derive(Deserialize)]
pub(crate) struct Artifact {
    /// Its whole interface, errors included.
    pub abi: Abi,
    /// What creates it, before the constructor's arguments.
    pub bytecode: Bytes,
}

macro_rules! artifacts {
    ($($field:ident = $name:literal,)+) => {
        /// The artifact of every contract.
        pub(crate) struct Artifacts {
            $(pub $field: Artifact,)+
        }

        /// Read once from what is committed; a test reads them.
        pub(crate) static ARTIFACTS: LazyLock<Artifacts> = LazyLock::new(|| Artifacts {
            $($field: serde_json::from_str(include_str!(concat!("../abi/", $name, ".json")))
                .expect(concat!("abi/", $name, ".json")),)+
        });

        impl Artifacts {
            fn all(&self) -> impl Iterator<Item = &Artifact> {
                [$(&self.$field),+].into_iter()
            }
        }
    };
}

artifacts! {
    livepeer_token = "LivepeerToken",
    fixed_random_source = "FixedRandomSource",
    blockhash_random_source = "BlockhashRandomSource",
    operators = "Operators",
    rounds_manager = "RoundsManager",
    roster = "Roster",
    fee_ledger = "FeeLedger",
    bonding_manager = "BondingManager",
    verifier_registry = "VerifierRegistry",
    job_registry = "JobRegistry",
    evidence = "Evidence",
    fraud_court = "FraudCourt",
    contests = "Contests",
    challenges = "Challenges",
    ticket_broker = "TicketBroker",
    minter = "Minter",
    funded_pool = "FundedPool",
    work_ledger = "WorkLedger",
}

/// Every contract of a deployment with its interface.
pub(crate) fn abis(at: &Contracts) -> Vec<(Address, &'static Abi)> {
    let known = &*ARTIFACTS;
    vec![
        (at.livepeer_token, &known.livepeer_token.abi),
        (at.operators, &known.operators.abi),
        (at.rounds_manager, &known.rounds_manager.abi),
        (at.roster, &known.roster.abi),
        (at.fee_ledger, &known.fee_ledger.abi),
        (at.bonding_manager, &known.bonding_manager.abi),
        (at.verifier_registry, &known.verifier_registry.abi),
        (at.job_registry, &known.job_registry.abi),
        (at.evidence, &known.evidence.abi),
        (at.fraud_court, &known.fraud_court.abi),
        (at.contests, &known.contests.abi),
        (at.challenges, &known.challenges.abi),
        (at.ticket_broker, &known.ticket_broker.abi),
        (at.minter, &known.minter.abi),
        (at.work_ledger, &known.work_ledger.abi),
    ]
}

/// Every custom error of every contract.
pub(crate) fn errors() -> ErrorBook {
    ErrorBook::of(ARTIFACTS.all().map(|artifact| &artifact.abi))
}
