//! Types generated at compile time from the committed ABI files; private, so that nothing of them leaves this crate.
#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    dead_code
)]

use alloy_primitives::Address;
use ethers::abi::Abi;
use ethers::contract::abigen;

use crate::contracts::Contracts;
use crate::revert::ErrorBook;

abigen!(LivepeerToken, "./abi/LivepeerToken.json");
abigen!(FixedRandomSource, "./abi/FixedRandomSource.json");
abigen!(BlockhashRandomSource, "./abi/BlockhashRandomSource.json");
abigen!(Operators, "./abi/Operators.json");
abigen!(RoundsManager, "./abi/RoundsManager.json");
abigen!(Roster, "./abi/Roster.json");
abigen!(FeeLedger, "./abi/FeeLedger.json");
abigen!(BondingManager, "./abi/BondingManager.json");
abigen!(VerifierRegistry, "./abi/VerifierRegistry.json");
abigen!(JobRegistry, "./abi/JobRegistry.json");
abigen!(Evidence, "./abi/Evidence.json");
abigen!(FraudCourt, "./abi/FraudCourt.json");
abigen!(Contests, "./abi/Contests.json");
abigen!(Challenges, "./abi/Challenges.json");
abigen!(TicketBroker, "./abi/TicketBroker.json");
abigen!(Minter, "./abi/Minter.json");
abigen!(FundedPool, "./abi/FundedPool.json");
abigen!(WorkLedger, "./abi/WorkLedger.json");

/// Every contract of a deployment with its interface.
pub(crate) fn abis(at: &Contracts) -> Vec<(Address, &'static Abi)> {
    vec![
        (at.livepeer_token, &*livepeer_token::LIVEPEERTOKEN_ABI),
        (at.operators, &*operators::OPERATORS_ABI),
        (at.rounds_manager, &*rounds_manager::ROUNDSMANAGER_ABI),
        (at.roster, &*roster::ROSTER_ABI),
        (at.fee_ledger, &*fee_ledger::FEELEDGER_ABI),
        (at.bonding_manager, &*bonding_manager::BONDINGMANAGER_ABI),
        (
            at.verifier_registry,
            &*verifier_registry::VERIFIERREGISTRY_ABI,
        ),
        (at.job_registry, &*job_registry::JOBREGISTRY_ABI),
        (at.evidence, &*evidence::EVIDENCE_ABI),
        (at.fraud_court, &*fraud_court::FRAUDCOURT_ABI),
        (at.contests, &*contests::CONTESTS_ABI),
        (at.challenges, &*challenges::CHALLENGES_ABI),
        (at.ticket_broker, &*ticket_broker::TICKETBROKER_ABI),
        (at.minter, &*minter::MINTER_ABI),
        (at.work_ledger, &*work_ledger::WORKLEDGER_ABI),
    ]
}

/// Every custom error of every contract.
pub(crate) fn errors() -> ErrorBook {
    let at = Contracts::default();
    let deployed = abis(&at).into_iter().map(|(_, abi)| abi);
    ErrorBook::of(deployed.chain([
        &*fixed_random_source::FIXEDRANDOMSOURCE_ABI,
        &*blockhash_random_source::BLOCKHASHRANDOMSOURCE_ABI,
        &*funded_pool::FUNDEDPOOL_ABI,
    ]))
}
