//! Types generated at compile time from the committed ABI files; private, so that nothing of them leaves this crate.
#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    dead_code
)]

use ethers::contract::abigen;

abigen!(LivepeerToken, "./abi/LivepeerToken.json");
abigen!(FixedRandomSource, "./abi/FixedRandomSource.json");
abigen!(BlockhashRandomSource, "./abi/BlockhashRandomSource.json");
abigen!(RoundsManager, "./abi/RoundsManager.json");
abigen!(BondingManager, "./abi/BondingManager.json");
abigen!(VerifierRegistry, "./abi/VerifierRegistry.json");
abigen!(JobRegistry, "./abi/JobRegistry.json");
abigen!(FraudCourt, "./abi/FraudCourt.json");
